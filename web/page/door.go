package page

import (
	"context"

	"github.com/a-h/templ"

	"kenshin/actor"
	"kenshin/i18n"
)

// SetupView is the first run: a few questions, one page each. Step is code, facility, admin, second or done.
type SetupView struct {
	Step      string
	Facility  string // fields as typed
	Beds      string
	Name      string
	Email     string
	MinLength int // of a password
	TOTP      *TOTP
	Codes     []string // recovery codes, on the last step
	Errors    Errors
}

// TOTP is what the person's authenticator app is to read.
type TOTP struct {
	Image  string // the QR picture as a data: address, at most a few KB
	Secret string // for typing, in groups of four
}

// SetupPage is the first run. POST PathSetup: step, and by step: code; facility, beds; name, email, password, again; totp.
// A passkey as second factor is registered through PathMePasskey and PathMePasskeyOK.
func SetupPage(s Shell, v SetupView) templ.Component {
	return behind(s, i18n.Text{Ja: "はじめの設定", En: "First setup"}, true, setup(v))
}

// SignInView is the way in. POST PathSignIn: email, password, next.
type SignInView struct {
	Email    string
	Next     string // address to go on to
	Error    string
	Expired  bool // the session ended; nothing was lost
	Facility string
}

// SignInPage asks for the password, or a passkey.
func SignInPage(s Shell, v SignInView) templ.Component {
	return behind(s, i18n.Text{Ja: "サインイン", En: "Sign in"}, false, signIn(v))
}

// SecondView asks for the second factor. POST PathSecond: code; PathRecovery: code.
type SecondView struct {
	Recovery bool // asks for a recovery code instead
	Enrol    *TOTP
	App      bool // the person has a code app
	Passkey  bool // the person has one
	Error    string
}

// SecondPage asks for the code of the authenticator app, a passkey, or a recovery code; with Enrol it sets the app up first.
func SecondPage(s Shell, v SecondView) templ.Component {
	return behind(s, i18n.Text{Ja: "二つ目の確認", En: "Second factor"}, false, second(v))
}

// InviteView is where an invited person chooses a password. POST to the invitation's own address: name, password, again; nothing
// when the address has an account and its owner is signed in.
type InviteView struct {
	URL       string // of this invitation
	Known     bool   // the address has an account
	Mine      bool   // and its owner is signed in: a click is enough
	SignIn    string // where the owner signs in first and then comes back
	Facility  string
	Email     string
	Name      string
	Role      actor.Role
	MinLength int
	Errors    Errors
}

// InvitePage takes an invitation up.
func InvitePage(s Shell, v InviteView) templ.Component {
	return behind(s, i18n.Text{Ja: "ようこそ", En: "Welcome"}, false, invite(v))
}

// FaultView is what is shown when something cannot be done: a sentence, what to do, and a number to report.
type FaultView struct {
	Status   int    // HTTP
	Sentence string // whole sentence in the person's language
	Do       string // what to do now; a general sentence when ""
	ID       string // of the log line
	Inside   bool   // the person is signed in: shown within the frame
	Back     string
}

// FaultPage is the error page.
func FaultPage(s Shell, v FaultView) templ.Component {
	title := i18n.Text{Ja: "できませんでした", En: "That did not work"}
	if v.Inside {
		return within(s, "", title, faultBody(v))
	}
	return behind(s, title, false, faultBody(v))
}

func (v FaultView) title(ctx context.Context) string {
	switch v.Status {
	case 403:
		return t(ctx, "この操作は許されていません", "This is not allowed")
	case 404:
		return t(ctx, "そのページはありません", "There is no such page")
	case 409:
		return t(ctx, "ほかの人が先に変えました", "Somebody else changed it")
	case 413:
		return t(ctx, "大きすぎます", "Too large")
	case 429:
		return t(ctx, "少し待ってください", "Please wait a little")
	}
	return t(ctx, "うまくいきませんでした", "Something went wrong")
}

func (v FaultView) do(ctx context.Context) string {
	if v.Do != "" {
		return v.Do
	}
	switch v.Status {
	case 403:
		return t(ctx, "必要なら、情報担当の人に役割を変えてもらってください。", "If you need it, ask your IT administrator to change your role.")
	case 404:
		return t(ctx, "消されたか、番地が違います。左のメニューから探してください。", "It was removed, or the address is wrong. Use the menu.")
	case 409:
		return t(ctx, "ページを開き直して、もう一度入力してください。", "Open the page again and repeat your change.")
	case 429:
		return t(ctx, "1分ほどおいて、もう一度試してください。", "Try again in a minute.")
	}
	return t(ctx, "保存されたデータは失われていません。もう一度試し、続くときは下の番号を保守の人に伝えてください。",
		"What was saved is not lost. Try again, and if it goes on, tell support the number below.")
}

func setupStep(step string) int {
	for i, s := range []string{"code", "facility", "admin", "second"} {
		if s == step {
			return i
		}
	}
	return 4
}
