package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/app"
	"kenshin/fault"
)

type userCmd struct {
	Add   userAddCmd   `cmd:"" help:"利用者を足す / add a person"`
	Reset userResetCmd `cmd:"" help:"サインインできなくなった人を助ける / help somebody who is locked out"`
	List  userListCmd  `cmd:"" help:"一覧 / list people"`
}

type userAddCmd struct {
	place
	Email         string     `required:"" help:"メールアドレス / e-mail"`
	Name          string     `help:"名前。なければメールアドレスから / name, else from the address"`
	Role          actor.Role `required:"" help:"admin, director, department, auditor, trainer, desk"`
	FacilityName  string     `help:"施設がまだないとき、その名前 / the facility's name, when there is none yet"`
	PasswordStdin bool       `help:"パスワードを標準入力の1行目から読む / read the password from standard input"`
}

func (u userAddCmd) Run(e *env) error {
	if !u.PasswordStdin {
		return usage("パスワードは --password-stdin で標準入力から渡してください。", "Pass the password on standard input with --password-stdin.")
	}
	if !u.Role.Valid() {
		return usage("--role は admin, director, department, auditor, trainer, desk のどれかです。", "--role is one of admin, director, department, auditor, trainer, desk.")
	}
	password, err := e.line()
	if err != nil {
		return err
	}
	if u.FacilityName == "" {
		if err := u.there(); err != nil {
			return err
		}
	}
	c, err := u.config(e)
	if err != nil {
		return err
	}
	h, err := app.Open(e.ctx, c)
	if err != nil {
		return err
	}
	defer h.Close()
	f, err := h.OneFacility(e.ctx)
	if fault.Is(err, fault.NotFound) && u.FacilityName != "" && u.Facility == "" {
		f, err = h.Account.AddFacility(e.ctx, account.Facility{Name: u.FacilityName})
	}
	if err != nil {
		return err
	}
	name, _, _ := strings.Cut(u.Email, "@")
	p, err := h.Account.AddPerson(e.ctx, f.ID, account.NewPerson{Email: u.Email, Name: cmp.Or(u.Name, name), Password: password}, u.Role, time.Time{})
	if err != nil {
		return err
	}
	e.say("%s を追加しました。初めてのサインインで、2つ目の確認(認証アプリかパスキー)を設定します。", "Added %s. The second factor is set up at the first sign-in.", p.Email)
	_, err = fmt.Fprintln(e.out, p.ID)
	return err
}

type userResetCmd struct {
	place
	Email         string `required:"" help:"メールアドレス / e-mail"`
	PasswordStdin bool   `help:"新しいパスワードを標準入力から読む / read a new password from standard input"`
	SecondFactor  bool   `help:"2つ目の確認を消し、次のサインインで設定し直す / forget the second factor"`
}

func (u userResetCmd) Run(e *env) error {
	if !u.PasswordStdin && !u.SecondFactor {
		return usage("--password-stdin か --second-factor を指定してください。", "Give --password-stdin or --second-factor.")
	}
	h, err := open(u.place, e)
	if err != nil {
		return err
	}
	defer h.Close()
	if u.PasswordStdin {
		password, err := e.line()
		if err != nil {
			return err
		}
		if err := h.Account.SetPassword(e.ctx, u.Email, password); err != nil {
			return err
		}
		e.say("%s のパスワードを変えました。", "The password of %s was changed.", u.Email)
	}
	if u.SecondFactor {
		if err := h.Account.ResetFactors(e.ctx, u.Email); err != nil {
			return err
		}
		e.say("%s の2つ目の確認を消しました。次のサインインで設定し直します。", "The second factor of %s was removed; it is set up again at the next sign-in.", u.Email)
	}
	return nil
}

type userListCmd struct{ place }

func (u userListCmd) Run(e *env) error {
	h, err := open(u.place, e)
	if err != nil {
		return err
	}
	defer h.Close()
	f, err := h.OneFacility(e.ctx)
	if err != nil {
		return err
	}
	members, err := h.Account.Members(e.ctx, f.ID)
	if err != nil {
		return err
	}
	for _, m := range members {
		if _, err := fmt.Fprintf(e.out, "%s\t%s\t%s\n", m.Person.Email, m.Role, m.Person.Name); err != nil {
			return err
		}
	}
	return nil
}

type tokenCmd struct {
	Add tokenAddCmd `cmd:"" help:"作る / make one"`
}

type tokenAddCmd struct {
	place
	Name string     `required:"" help:"何に使うか / what it is for"`
	Role actor.Role `required:"" help:"admin, director, department, auditor, trainer"`
	Days int        `help:"有効な日数 / days until it ends" default:"365"`
}

func (t tokenAddCmd) Run(e *env) error {
	h, err := open(t.place, e)
	if err != nil {
		return err
	}
	defer h.Close()
	f, err := h.OneFacility(e.ctx)
	if err != nil {
		return err
	}
	text, _, err := h.Account.AddToken(e.ctx, f.ID, t.Name, t.Role, time.Duration(t.Days)*24*time.Hour)
	if err != nil {
		return err
	}
	e.say("この鍵はもう表示できません。安全な場所に保管してください。", "This token is shown only once. Keep it in a safe place.")
	_, err = fmt.Fprintln(e.out, text)
	return err
}

// open builds the house for a command that works on data that is there.
func open(p place, e *env) (*app.House, error) {
	c, err := p.config(e)
	if err != nil {
		return nil, err
	}
	if err := p.there(); err != nil {
		return nil, err
	}
	return app.Open(e.ctx, c)
}

// withFacility opens the house for the one facility that a command is about.
func withFacility(p place, e *env, do func(*app.House, account.Facility) error) error {
	h, err := open(p, e)
	if err != nil {
		return err
	}
	f, err := h.OneFacility(e.ctx)
	if err == nil {
		err = do(h, f)
	}
	return errors.Join(err, h.Close())
}
