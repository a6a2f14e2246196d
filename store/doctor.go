package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"kenshin/i18n"
)

// Symptom is one thing that Doctor looked at. Fix says what to do, empty when OK.
type Symptom struct {
	Name, Detail, Fix i18n.Text
	OK                bool
}

const (
	lowDisk  = 1 << 30   // bytes free below which a person should act
	largeWAL = 256 << 20 // bytes; SQLite folds the WAL in at 4 MB unless a reader stands for hours
	ahead    = 10 * time.Minute
)

// Doctor looks at the database without changing it. now is the clock to compare rows with.
func (db *DB) Doctor(ctx context.Context, now time.Time) []Symptom {
	out := []Symptom{db.checkSchema(ctx)}
	if db.Dialect == SQLite {
		out = append(out, db.checkIntegrity(ctx), checkDisk(filepath.Dir(db.Path)), checkWAL(db.Path), checkRights(db.Path), checkServer(filepath.Dir(db.Path)))
	} else {
		out = append(out, checkRole(ctx, db.w), checkPolicies(ctx, db.w), checkGrants(ctx, db.w))
	}
	return append(out, db.checkClock(ctx, now))
}

func text(ja, en string, args ...any) i18n.Text {
	if len(args) == 0 {
		return i18n.Text{Ja: ja, En: en}
	}
	return i18n.Text{Ja: fmt.Sprintf(ja, args...), En: fmt.Sprintf(en, args...)}
}

// failed makes a symptom of a check that could not be done: that is never "OK".
func failed(name i18n.Text, err error) Symptom {
	return Symptom{Name: name, Detail: text("調べられませんでした: %v", "It could not be checked: %v", err),
		Fix: text("データベースに届くか、権限があるかを確かめて、もう一度実行してください。", "Check that the database can be reached and read, and try again.")}
}

func (db *DB) checkSchema(ctx context.Context) Symptom {
	name := text("データの版", "Schema version")
	have, err := appliedVersions(ctx, db.r)
	if err != nil {
		return failed(name, err)
	}
	missing, err := compareSchema(have)
	if err != nil {
		return Symptom{Name: name, Detail: text("新しい版のKenshinのデータです。", "A newer Kenshin wrote this data."),
			Fix: text("新しい版のプログラムを使ってください。", "Use the newer program.")}
	}
	if len(missing) > 0 {
		return Symptom{Name: name, Detail: text("更新が%d件足りません。", "%d migrations are missing.", len(missing)),
			Fix: text("kenshin serve を一度起動してください。", "Start kenshin serve once.")}
	}
	return Symptom{Name: name, OK: true, Detail: text("最新です(%d)。", "Up to date (%d).", SchemaVersion())}
}

func (db *DB) checkIntegrity(ctx context.Context) Symptom {
	name := text("データベースの中身", "Contents of the database")
	found, err := names(ctx, db.r, "PRAGMA integrity_check(20)")
	if err != nil {
		return failed(name, err)
	}
	if len(found) == 1 && found[0] == "ok" {
		return Symptom{Name: name, OK: true, Detail: text("壊れていません。", "Intact.")}
	}
	return Symptom{Name: name, Detail: text("壊れています: %s", "Damaged: %s", strings.Join(found, "; ")),
		Fix: text("Kenshinを止め、データのフォルダを別の場所へ写してから、最後のバックアップを空のフォルダへ kenshin restore で戻してください。",
			"Stop Kenshin, copy the data folder elsewhere, then restore the last backup into an empty folder with kenshin restore.")}
}

// room is how many bytes the disk under a folder has left for this program.
func room(dir string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil
}

// ShortOfRoom reports how many bytes the data's disk has left when a person should make room, before writing fails; PostgreSQL's disk is
// not ours to look at.
func (db *DB) ShortOfRoom() (free uint64, short bool) {
	if db.Dialect != SQLite {
		return 0, false
	}
	free, err := room(filepath.Dir(db.Path))
	return free, err == nil && free < lowDisk
}

func checkDisk(dir string) Symptom {
	name := text("ディスクの空き", "Free disk space")
	free, err := room(dir)
	if err != nil {
		return failed(name, err)
	}
	out := Symptom{Name: name, OK: free >= lowDisk, Detail: text("%.1f GB空いています。", "%.1f GB are free.", float64(free)/(1<<30))}
	if !out.OK {
		out.Fix = text("古いバックアップなどを別の場所へ移し、1 GB以上空けてください。", "Move old backups and the like elsewhere until 1 GB is free.")
	}
	return out
}

func checkWAL(path string) Symptom {
	name := text("書き込み記録(WAL)の大きさ", "Size of the write-ahead log")
	info, err := os.Stat(path + "-wal")
	if os.IsNotExist(err) {
		return Symptom{Name: name, OK: true, Detail: text("ありません。", "There is none.")}
	}
	if err != nil {
		return failed(name, err)
	}
	out := Symptom{Name: name, OK: info.Size() < largeWAL, Detail: text("%.1f MBです。", "%.1f MB.", float64(info.Size())/(1<<20))}
	if !out.OK {
		out.Fix = text("Kenshinを再起動してください。続くときは、データベースを開いたままの別のプログラムがないか確かめてください。",
			"Restart Kenshin. If it goes on, look for another program that keeps the database open.")
	}
	return out
}

func checkRights(path string) Symptom {
	name := text("ファイルの権限", "File rights")
	var open []string
	for p, want := range map[string]os.FileMode{filepath.Dir(path): 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600} {
		info, err := os.Stat(p)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return failed(name, err)
		}
		if info.Mode().Perm()&^want != 0 {
			open = append(open, fmt.Sprintf("%s (%v)", p, info.Mode().Perm()))
		}
	}
	if len(open) == 0 {
		return Symptom{Name: name, OK: true, Detail: text("ほかの利用者からは読めません。", "Other users of this machine cannot read it.")}
	}
	return Symptom{Name: name, Detail: text("ほかの利用者が読めます: %s", "Others can read: %s", strings.Join(open, ", ")),
		Fix: text("chmod 700 %[1]s; chmod 600 %[1]s/kenshin.db* を実行してください。", "Run chmod 700 %[1]s; chmod 600 %[1]s/kenshin.db*.", filepath.Dir(path))}
}

func checkServer(dir string) Symptom {
	name := text("動いているKenshin", "Running Kenshin")
	switch pid := holder(dir); pid {
	case 0, ownPID():
		return Symptom{Name: name, OK: true, Detail: text("ほかには動いていません。", "No other one is running.")}
	default:
		return Symptom{Name: name, OK: true, Detail: text("プロセス %d がこのデータを使っています。", "Process %d serves this data.", pid)}
	}
}

func checkRole(ctx context.Context, app *sql.DB) Symptom {
	name := text("PostgreSQLの役割", "PostgreSQL role")
	if err := checkAppRole(ctx, app); err != nil {
		return Symptom{Name: name, Detail: text("強すぎる権限を持っています: %v", "It has too many rights: %v", err),
			Fix: text("手引き「PostgreSQLで動かす」の通りに専用の役割を作ってください。", "Make a role of its own as the guide says (PostgreSQLで動かす).")}
	}
	return Symptom{Name: name, OK: true, Detail: text("施設どうしを分けられます。", "It keeps facilities apart.")}
}

func checkPolicies(ctx context.Context, app *sql.DB) Symptom {
	name := text("行レベルの保護(RLS)", "Row-level security")
	open, err := names(ctx, app, `SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'facility_id'
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND
			(SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'facility' AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL) = 1
			AND (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) = 1) ORDER BY 1`)
	if err != nil {
		return failed(name, err)
	}
	if len(open) == 0 {
		return Symptom{Name: name, OK: true, Detail: text("すべての表で働いています。", "It holds for every table.")}
	}
	return Symptom{Name: name, Detail: text("働いていない表: %s", "Tables without it: %s", strings.Join(open, ", ")),
		Fix: text("だれかが手で変えました。データベースの管理者に、バックアップを空のデータベースへ戻すよう頼んでください。",
			"Somebody changed them by hand. Ask the database's administrator to restore a backup into an empty database.")}
}

func checkGrants(ctx context.Context, app *sql.DB) Symptom {
	name := text("アプリの権限", "The app's rights")
	bad, err := names(ctx, app, `SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
		AND c.relname <> 'goose_db_version' AND (NOT has_table_privilege(c.oid, 'SELECT') OR NOT has_table_privilege(c.oid, 'INSERT') OR
			NOT has_table_privilege(c.oid, 'UPDATE') OR NOT has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE')) ORDER BY 1`)
	if err != nil {
		return failed(name, err)
	}
	if len(bad) == 0 {
		return Symptom{Name: name, OK: true, Detail: text("必要なものだけあります。", "It has what it needs, no more.")}
	}
	return Symptom{Name: name, Detail: text("過不足のある表: %s", "Wrong on: %s", strings.Join(bad, ", ")),
		Fix: text("所有者の役割を --database-owner で渡して一度起動してください。", "Start once with the owner role in --database-owner.")}
}

// checkClock compares the clock with the start of the processes that share the database: a shared table, so that no facility is needed.
func (db *DB) checkClock(ctx context.Context, now time.Time) Symptom {
	name := text("時計", "Clock")
	var newest sql.NullInt64
	if err := db.r.QueryRowContext(ctx, "SELECT max(started_at) FROM job_copies").Scan(&newest); err != nil {
		return failed(name, err)
	}
	if diff := Time(newest.Int64).Sub(now); newest.Valid && diff > ahead {
		return Symptom{Name: name, Detail: text("記録が今より%v先の時刻になっています。", "Records lie %v in the future.", diff.Round(time.Minute)),
			Fix: text("この機械の時刻合わせ(NTP)を確かめてください。時計が正しければ、以前に進んでいた間の記録です。",
				"Check this machine's time synchronisation (NTP). If the clock is right, the records come from when it ran ahead.")}
	}
	if now.Year() < 2025 {
		return Symptom{Name: name, Detail: text("今の時刻が %s になっています。", "The clock says %s.", now.Format(time.DateOnly)),
			Fix: text("この機械の時刻を合わせてください。", "Set this machine's clock.")}
	}
	return Symptom{Name: name, OK: true, Detail: text("記録と合っています。", "It agrees with the records.")}
}
