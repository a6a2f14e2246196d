package main

import (
	"fmt"

	"kenshin/app"
	"kenshin/i18n"
)

type demoCmd struct {
	place
}

func (d demoCmd) Run(e *env) error {
	c, err := d.config(e)
	if err != nil {
		return err
	}
	bar := e.bar()
	in, err := app.Demo(e.ctx, c, bar.set)
	bar.end()
	if err != nil {
		return e.halted(err, false, "途中で止めました。見本はできていません。もう一度実行してください(PostgreSQLでは、空のデータベースに)。",
			"Stopped halfway: the demo is not there. Run it again (on PostgreSQL: with an empty database).")
	}
	_, err = fmt.Fprintln(e.out, i18n.T(e.ctx,
		"見本の病院「%s」を作りました(架空です。何も送りません)。\n画面を動かす: kenshin serve --data %s\nメール: %s\nパスワード: %s\n訓練担当としても入れます(名前のある結果を見る人)。メール: %s パスワード: %s\n初めてのサインインで、2つ目の確認(認証アプリかパスキー)を設定します。",
		"Made the fictitious hospital %q (nothing is ever sent).\nRun the console: kenshin serve --data %s\nE-mail: %s\nPassword: %s\nThe trainer, who sees names in drills, enters with e-mail %s and password %s\nThe second factor is set up at the first sign-in.",
		in.Facility, d.Data, in.Email, in.Password, in.Trainer, in.TrainerPassword))
	return err
}
