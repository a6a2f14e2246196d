package main

import (
	"fmt"
	"os"

	"golang.org/x/term"

	"kenshin/app"
	"kenshin/i18n"
)

type backupCmd struct {
	place
	Out             string `required:"" help:"バックアップのファイル / the backup file" type:"path"`
	PassphraseStdin bool   `help:"合言葉を標準入力の1行目から読み、鍵もバックアップに入れる / wrap the key with the passphrase on standard input"`
	BackupDatabase  string `name:"database-backup" help:"PostgreSQL URL of the backup role" env:"KENSHIN_DATABASE_BACKUP"`
}

func (b backupCmd) Run(e *env) error {
	passphrase, err := e.passphrase(b.PassphraseStdin, true)
	if err != nil {
		return err
	}
	h, err := open(b.place, e)
	if err != nil {
		return err
	}
	defer h.Close()
	m, err := h.Backup(e.ctx, b.Out, b.BackupDatabase, passphrase)
	if err != nil {
		return e.halted(err, false, "途中で止めました。バックアップのファイルは作っていません。もう一度実行してください。", "Stopped halfway: no backup file was made. Run it again.")
	}
	var rows int64
	for _, c := range m.Contents {
		rows += c.Rows
	}
	e.say("バックアップを取り、読み返して確かめました: %s(%d件)", "Backed up, read back and checked: %s (%d rows)", b.Out, rows)
	if passphrase == "" {
		e.say("鍵はバックアップに入っていません。%s を別の場所に必ず保管してください。なくすと、保存した秘密(SNMPや二要素)は二度と開けません。",
			"The key is not in the backup. Keep %s in another place: without it the stored secrets can never be opened again.", h.KeyFile)
	}
	return nil
}

type restoreCmd struct {
	place
	File            string `arg:"" help:"バックアップのファイル / the backup file" type:"path"`
	PassphraseStdin bool   `help:"合言葉を標準入力の1行目から読む / read the passphrase from standard input"`
}

func (r restoreCmd) Run(e *env) error {
	c, err := r.config(e)
	if err != nil {
		return err
	}
	f, _, err := openInput(r.File)
	if err != nil {
		return err
	}
	f.Close()
	passphrase, err := e.passphrase(r.PassphraseStdin, false)
	if err != nil {
		return err
	}
	m, err := app.Restore(e.ctx, c, r.File, passphrase)
	if err != nil {
		return e.halted(err, false, "途中で止めました。何も戻していません。もう一度実行してください。", "Stopped halfway: nothing was restored. Run it again.")
	}
	e.say("%s のバックアップを戻しました。", "Restored the backup of %s.", m.Created.Local().Format("2006-01-02 15:04"))
	return nil
}

// passphrase reads the passphrase from standard input, or asks for it on a terminal; "" is none. fresh: it is a new one, so it is asked twice.
func (e *env) passphrase(stdin, fresh bool) (string, error) {
	if stdin {
		p, err := e.line()
		if err == nil && p == "" {
			err = usage("標準入力に合言葉がありません。", "There is no passphrase on standard input.")
		}
		return p, err
	}
	f, ok := e.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || !terminal(e.err) {
		return "", nil
	}
	ask := func(ja, en string) (string, error) {
		fmt.Fprint(e.err, i18n.T(e.ctx, ja, en))
		b, err := e.secret(int(f.Fd()))
		fmt.Fprintln(e.err)
		return string(b), err
	}
	p, err := ask("バックアップの鍵の合言葉(なければEnter): ", "Passphrase for the key in the backup (Enter for none): ")
	if err != nil || p == "" || !fresh {
		return p, err
	}
	again, err := ask("もう一度: ", "Again: ")
	if err == nil && again != p {
		err = usage("2回の合言葉が違います。", "The two passphrases differ.")
	}
	return p, err
}

// secret is a line typed unseen. A signal ends the wait, and the terminal shows again what is typed.
func (e *env) secret(fd int) ([]byte, error) {
	was, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("ask the terminal: %w", err)
	}
	type answer struct {
		typed []byte
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		b, err := term.ReadPassword(fd)
		done <- answer{b, err}
	}()
	select {
	case a := <-done:
		return a.typed, a.err
	case <-e.ctx.Done():
		_ = term.Restore(fd, was)
		return nil, e.ctx.Err()
	}
}
