package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"kenshin/actor"
	"kenshin/app"
	"kenshin/fault"
	"kenshin/i18n"
)

// console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// terminal reports whether w is a terminal that somebody looks at: there a progress bar is drawn, in a pipe never.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// place is where the data lies; every command that touches data takes it.
type place struct {
	Data          string `help:"データのフォルダ / the data folder" type:"path" env:"KENSHIN_DATA"`
	Database      string `help:"PostgreSQL URL (postgres://...); then --data holds only the key and caches" env:"KENSHIN_DATABASE"`
	DatabaseOwner string `help:"PostgreSQL URL of the owner role, to bring the schema up to date" env:"KENSHIN_DATABASE_OWNER"`
	KeyFile       string `help:"封印の鍵のファイル / the sealing key (default: key in --data)" type:"path" env:"KENSHIN_KEY_FILE"`
	Facility      string `help:"施設のID。1つだけなら要りません / facility id, when there are several" env:"KENSHIN_FACILITY"`
}

func (p place) config(c *env) (app.Config, error) {
	if p.Data == "" {
		return app.Config{}, usage("データのフォルダを --data で指定してください。", "Name the data folder with --data.")
	}
	return app.Config{Data: p.Data, Database: p.Database, DatabaseOwner: p.DatabaseOwner, KeyFile: p.KeyFile, Facility: p.Facility,
		Log: c.log, Version: version, Lang: c.lang}, nil
}

// there says no to a folder without data: a mistyped --data must not become a new, empty house.
func (p place) there() error {
	if p.Data == "" || p.Database != "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(p.Data, "kenshin.db")); errors.Is(err, fs.ErrNotExist) {
		return fault.Newf(fault.NotFound, "%s にKenshinのデータはありません(施設がまだありません)。--data のフォルダ名を確かめてください。初めてなら kenshin serve を動かします。",
			"There is no Kenshin data in %s. Check the folder in --data; to begin, run kenshin serve.", p.Data)
	}
	return nil
}

// usageError is a command that was written wrongly: exit code 2.
type usageError struct{ cause error }

func (u usageError) Error() string { return u.cause.Error() }
func (u usageError) Unwrap() error { return u.cause }

func usage(ja, en string) error { return usageError{fault.New(fault.Invalid, ja, en)} }

// flagsWrong says that an error about what the flags say is one of usage.
func flagsWrong(err error, kinds ...fault.Kind) error {
	if err != nil && slices.Contains(append(kinds, fault.Invalid), fault.KindOf(err)) {
		return usageError{err}
	}
	return err
}

// env is what a command gets beside its flags.
type env struct {
	console
	ctx  context.Context
	lang i18n.Lang
	log  *slog.Logger

	serves bool // it runs until a signal ends it
}

// say writes a line to people: to stderr, so that a pipe stays clean.
func (e *env) say(ja, en string, args ...any) {
	fmt.Fprintln(e.err, i18n.T(e.ctx, ja, en, args...))
}

type commands struct {
	Verbose bool `help:"くわしい記録を出す / log more" short:"v"`

	Serve     serveCmd     `cmd:"" help:"画面(コンソール)を動かす / run the console"`
	Checkup   checkupCmd   `cmd:"" help:"サーバなしで1回だけ健診する / one pass without a server"`
	Replay    replayCmd    `cmd:"" help:"記録した観察を取り込む / take in recorded observations"`
	Import    importCmd    `cmd:"" help:"台帳のファイルを取り込む / take in a ledger file"`
	Export    exportCmd    `cmd:"" help:"台帳を書き出す / write the ledger out"`
	User      userCmd      `cmd:"" help:"利用者 / people"`
	Token     tokenCmd     `cmd:"" help:"プログラム用の鍵(APIトークン) / API tokens"`
	Backup    backupCmd    `cmd:"" help:"動かしたままバックアップを取る / hot backup"`
	Restore   restoreCmd   `cmd:"" help:"バックアップから戻す / restore a backup"`
	Doctor    doctorCmd    `cmd:"" help:"Kenshin自身を調べる / examine Kenshin itself"`
	Trail     trailCmd     `cmd:"" help:"操作の記録 / who did what"`
	Identify  identifyCmd  `cmd:"" help:"判定の理由 / why a device is what it is"`
	Catalogue catalogueCmd `cmd:"" help:"判定規則のファイル / files of rules"`
	Drill     drillCmd     `cmd:"" help:"訓練メールの文例のファイル / files of drill scenarios"`
	Dock      dockCmd      `cmd:"" help:"年次健診 / the yearly check-up"`
	Demo      demoCmd      `cmd:"" help:"見本の病院を作る / make a fictitious hospital"`
	Version   versionCmd   `cmd:"" help:"版 / version"`
}

// language follows the usual variables; a machine that says nothing is Japanese.
func language() i18n.Lang {
	for _, name := range []string{"KENSHIN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			if strings.HasPrefix(v, "en") || v == "C" || v == "POSIX" || strings.HasPrefix(v, "C.") {
				return i18n.En
			}
			return i18n.Ja
		}
	}
	return i18n.Ja
}

func run(args []string, c console) int {
	lang := language()
	var cmds commands
	exited := -1
	parser, err := kong.New(&cmds, kong.Name("kenshin"), kong.Writers(c.out, c.err), kong.Exit(func(code int) { exited = code }),
		kong.Description("Kenshin(ネットワーク健診): 病院のネットワークの健康診断 / a health check-up for a hospital's network"), kong.UsageOnError())
	if err != nil {
		fmt.Fprintln(c.err, err)
		return exitFailed
	}
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "help": // what many programs understand
		args = append(slices.Clone(args[1:]), "--help")
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintln(c.err, "kenshin:", i18n.T(i18n.With(context.Background(), lang), "コマンドの書き方が違います(%v)。使い方は kenshin --help で出ます。", "%v (see kenshin --help)", err))
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(i18n.With(context.Background(), lang), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // who presses Ctrl-C a second time wants out at once
	level := slog.LevelInfo
	if cmds.Verbose {
		level = slog.LevelDebug
	}
	e := &env{console: c, ctx: actor.With(ctx, commandActor()), lang: lang,
		log: slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: level}))}
	return e.exit(parsed.Run(e))
}

// exit says what went wrong in one line and picks the code.
func (e *env) exit(err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errIncomplete) {
		return exitIncomplete
	}
	err = diskFull(e.stopped(err))
	if e.log.Enabled(e.ctx, slog.LevelDebug) {
		e.log.Debug("cause", "error", err)
	}
	sentence := fault.Sentence(err, string(e.lang))
	if _, known := errors.AsType[*fault.Error](err); !known {
		sentence += " (" + err.Error() + ")"
	}
	fmt.Fprintln(e.err, "kenshin:", strings.ReplaceAll(sentence, "\n", " "))
	if _, wrong := errors.AsType[usageError](err); wrong {
		return exitUsage
	}
	if s, ok := errors.AsType[stoppedError](err); ok && s.part {
		return exitIncomplete
	}
	return exitFailed
}

// diskFull gives its sentence to a file, or a pipe's other end, that had no room.
func diskFull(err error) error {
	if _, told := errors.AsType[*fault.Error](err); told || !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return fault.Wrap(fault.Unavailable, err, "ディスクがいっぱいで書き出せませんでした。空きを作ってからもう一度実行してください。",
		"The disk is full and nothing was written out. Make room and run it again.")
}

// commandActor is who types: the operating system's user.
func commandActor() actor.Actor {
	name := "command line"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return actor.Actor{Kind: actor.Command, ID: name, Name: name, Role: actor.Admin}
}

// line reads one line from standard input: passwords never stand in the list of processes.
func (e *env) line() (string, error) {
	s, err := bufio.NewReader(io.LimitReader(e.in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read standard input: %w", err)
	}
	return strings.TrimRight(s, "\r\n"), nil
}

type versionCmd struct{}

func (versionCmd) Run(e *env) error {
	_, err := fmt.Fprintln(e.out, "kenshin", version)
	return err
}
