package web

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"kenshin/account"
	"kenshin/fault"
	"kenshin/jp"
	"kenshin/web/page"
)

const setupLasts = time.Hour

// setupState is what the first pages were told. It lies in the browser of the person who typed it, and is checked again at the end.
type setupState struct {
	Code     string `json:"code"`
	Facility string `json:"facility"`
	Beds     string `json:"beds"`
}

func (v *visit) setupState() (s setupState) {
	raw, err := base64.RawURLEncoding.DecodeString(v.kept(setupCookie))
	if err == nil {
		_ = json.Unmarshal(raw, &s) // something else than we wrote reads as a fresh start
	}
	return s
}

func (v *visit) keepSetup(s setupState) {
	raw, err := json.Marshal(s)
	if err == nil {
		v.keep(setupCookie, base64.RawURLEncoding.EncodeToString(raw), setupLasts)
	}
}

// setupForm is the page of the step that is due. The address that was printed at the start carries the code.
func (v *visit) setupForm() error {
	if x, err := v.s.Account.Pending(v.ctx, v.s.cookie(v.r)); err == nil && x.Stage == account.StageEnrol {
		v.session = x
		return v.setupSecondForm("")
	}
	needed, err := v.s.Account.NeedsSetup(v.ctx)
	if err != nil {
		return err
	}
	if !needed {
		v.redirect(page.PathSignIn)
		return nil
	}
	if code := v.r.URL.Query().Get("code"); code != "" {
		return v.setupCode(code)
	}
	s := v.setupState()
	view := page.SetupView{Step: "code", Facility: s.Facility, Beds: s.Beds, MinLength: account.MinPassword}
	switch {
	case s.Code == "":
	case s.Facility == "" || v.r.URL.Query().Get("step") == "facility":
		view.Step = "facility"
	default:
		view.Step = "admin"
	}
	v.show(page.SetupPage(v.shell(), view))
	return nil
}

func (v *visit) setup() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	switch f.Get("step") {
	case "code":
		return v.setupCode(f.Get("code"))
	case "facility":
		return v.setupFacility(f.Get("facility"), f.Get("beds"))
	case "admin":
		return v.setupAdmin(account.NewPerson{Name: f.Get("name"), Email: f.Get("email"), Password: f.Get("password")}, f.Get("again"))
	case "second":
		return v.setupSecond(f.Get("totp"))
	}
	v.redirect(page.PathSetup)
	return nil
}

func (v *visit) setupCode(code string) error {
	if err := v.s.Account.CheckSetupCode(v.ctx, code); err != nil {
		return v.setupAgain(page.SetupView{Step: "code"}, "code", err)
	}
	v.keepSetup(setupState{Code: code})
	v.redirect(page.PathSetup)
	return nil
}

func (v *visit) setupFacility(name, beds string) error {
	s := v.setupState()
	view := page.SetupView{Step: "facility", Facility: name, Beds: beds}
	if strings.TrimSpace(name) == "" || len([]rune(name)) > 200 {
		return v.setupAgain(view, "facility", fault.New(fault.Invalid, "施設の名前を200文字までで入れてください。", "Enter the facility's name, at most 200 characters."))
	}
	if _, err := bedCount(beds); err != nil {
		return v.setupAgain(view, "beds", err)
	}
	s.Facility, s.Beds = name, beds
	v.keepSetup(s)
	v.redirect(page.PathSetup)
	return nil
}

// narrow is what people typed into a field for digits or names of machines: full-width characters become plain ones.
func narrow(s string) string { return jp.Narrow(s) }

// bedCount reads a number of beds as people write it; nothing means none.
func bedCount(text string) (int, error) {
	text = narrow(text)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 10000 {
		return 0, fault.New(fault.Invalid, "病床数は0から10000の数字で入れてください(無床の診療所は0)。", "Enter 0 to 10000 beds (a clinic without beds: 0).")
	}
	return n, nil
}

func (v *visit) setupAdmin(p account.NewPerson, again string) error {
	s := v.setupState()
	view := page.SetupView{Step: "admin", Name: p.Name, Email: p.Email, MinLength: account.MinPassword}
	if p.Password != again {
		return v.setupAgain(view, "again", errAgain)
	}
	beds, err := bedCount(s.Beds)
	if err != nil {
		return v.setupAgain(page.SetupView{Step: "facility", Facility: s.Facility, Beds: s.Beds}, "beds", err)
	}
	p.Lang = v.s.language(v.r)
	form := account.SetupForm{Code: s.Code, Facility: account.Facility{Name: s.Facility, Beds: beds}, Person: p}
	token, _, err := v.s.Account.Setup(v.ctx, form, from(v.r))
	if err != nil {
		if fault.Is(err, fault.Conflict) {
			return err
		}
		if fault.Is(err, fault.Denied) {
			return v.setupAgain(page.SetupView{Step: "code"}, "code", err)
		}
		return v.setupAgain(view, personField(err), err)
	}
	v.s.setCookie(v.w, token)
	v.keep(ceremonyCookie, "", 0)
	v.keepSetup(setupState{Facility: s.Facility}) // no code any more: it is used up
	v.redirect(page.PathSetup)
	return nil
}

var errAgain = fault.New(fault.Invalid, "2回の入力が違います。同じものを2回入れてください。", "The two entries differ. Enter the same twice.")

// personField guesses beside which field an error about a new person belongs, by its own words.
func personField(err error) string {
	text := fault.Sentence(err, "en")
	switch {
	case strings.Contains(text, "assword"), strings.Contains(text, "guess"):
		return "password"
	case strings.Contains(text, "e-mail address"):
		return "email"
	case strings.Contains(text, "Enter the name"), strings.HasPrefix(text, "The name"):
		return "name"
	}
	return ""
}

func (v *visit) setupAgain(view page.SetupView, field string, err error) error {
	if fault.KindOf(err) == fault.Internal {
		return err
	}
	view.Errors = page.Errors{field: v.sentence(err)}
	if view.MinLength == 0 {
		view.MinLength = account.MinPassword
	}
	v.status(status(err))
	v.show(page.SetupPage(v.shell(), view))
	return nil
}

func (v *visit) setupSecondForm(problem string) error {
	e, err := v.enrolment(false)
	if err != nil {
		return err
	}
	view := page.SetupView{Step: "second", TOTP: &e}
	if problem != "" {
		view.Errors = page.Errors{"totp": problem}
	}
	v.show(page.SetupPage(v.shell(), view))
	return nil
}

func (v *visit) setupSecond(code string) error {
	x, err := v.s.Account.Pending(v.ctx, v.s.cookie(v.r))
	if err != nil {
		return errSignedOut
	}
	v.session = x
	done, err := v.s.Account.FinishTOTP(v.ctx, x, v.kept(ceremonyCookie), code, from(v.r))
	if err != nil {
		if fault.KindOf(err) == fault.Internal {
			return err
		}
		v.status(status(err))
		return v.setupSecondForm(v.sentence(err))
	}
	return v.enrolled(done)
}

// setupDone is the end of the setup, with the recovery codes.
func (v *visit) setupDone() error {
	v.show(page.SetupPage(v.shell(), page.SetupView{Step: "done", Codes: v.takeOnce().Codes}))
	return nil
}
