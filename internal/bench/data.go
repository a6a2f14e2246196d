package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"kenshin/netid"
	"kenshin/observation"
	"kenshin/paper"
	"kenshin/store"
)

const facilityID = "01990000-0000-7000-8000-0000000000f1"

// binary is the size of the program.
func (b *bench) binary() error {
	info, err := os.Stat(b.bin)
	if err != nil {
		return err
	}
	b.say(line{"size of the program", fmt.Sprintf("%.1f MB", float64(info.Size())/1e6), "50 MB", "", ""})
	return nil
}

// inserts stores observations, beside bare rows of the same width in a bare table of the same engine with the same settings.
func (b *bench) inserts() error {
	const n = 100_000
	obs := make([]observation.Observation, 0, n)
	at := time.Now().Add(-time.Hour)
	for i := range n {
		k := i / 5
		o := observation.Observation{Segment: "lan", Sensor: "bench", MAC: netid.MAC{0, 0x1a, 0x2b, byte(k >> 16), byte(k >> 8), byte(k)},
			IP: netip.AddrFrom4([4]byte{10, byte(k >> 16), byte(k >> 8), byte(k)}), At: at, Value: "a value that a device answered, of ordinary length",
			Signal: []observation.Signal{observation.ARP, observation.DHCPHostname, observation.HTTPTitle, observation.SNMPDescr, observation.TLSCert}[i%5]}
		if i%5 > 1 {
			o.Detail = map[string]string{"status": "200", "server": "nginx"}
		}
		obs = append(obs, o)
	}
	db, err := store.Open(b.ctx, store.Options{Dir: filepath.Join(b.dir, "observations")})
	if err != nil {
		return err
	}
	defer db.Close()
	log := observation.New(db)
	start := time.Now()
	if err := log.Add(b.ctx, facilityID, obs); err != nil {
		return err
	}
	ours := time.Since(start)
	bare, err := b.bareInserts(obs)
	if err != nil {
		return err
	}
	rate := func(d time.Duration) string { return fmt.Sprintf("%.0f/s", n/d.Seconds()) }
	b.say(line{"observations into SQLite", rate(ours), "10,000/s", "bare rows " + rate(bare), fmt.Sprintf("%.2f of the floor's rate", bare.Seconds()/ours.Seconds())})
	return nil
}

func (b *bench) bareInserts(obs []observation.Observation) (time.Duration, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.dir, "bare.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	if _, err := db.ExecContext(b.ctx, `CREATE TABLE bare (id TEXT PRIMARY KEY, subject TEXT, segment TEXT, sensor TEXT, mac TEXT, ip TEXT, signal TEXT,
		value TEXT, detail TEXT, at INTEGER) WITHOUT ROWID`); err != nil {
		return 0, err
	}
	start := time.Now()
	for from := 0; from < len(obs); from += 512 {
		tx, err := db.BeginTx(b.ctx, nil)
		if err != nil {
			return 0, err
		}
		insert, err := tx.PrepareContext(b.ctx, "INSERT INTO bare VALUES (?,?,?,?,?,?,?,?,?,?)")
		for i := from; i < min(from+512, len(obs)) && err == nil; i++ {
			o := &obs[i]
			_, err = insert.ExecContext(b.ctx, strconv.Itoa(i), o.Subject(), o.Segment, o.Sensor, o.MAC.String(), o.IP.String(), string(o.Signal), o.Value, "{}", o.At.UnixMicro())
		}
		if err != nil {
			return 0, fmt.Errorf("%w (%w)", err, tx.Rollback())
		}
		if err := tx.Commit(); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// workbook writes a hospital's own ledger of n rows, 20 columns wide.
func workbook(path string, n int) error {
	t := paper.Table{Sheet: "機器台帳"}
	for _, h := range strings.Fields("管理番号 機器名 種類 メーカー 型番 製造番号 OS IPアドレス MACアドレス 棟 階 設置場所 部署 担当者 購入日 保守期限 業者 備考 棚番 資産区分") {
		t.Columns = append(t.Columns, paper.Column{Header: h})
	}
	var out bytes.Buffer
	err := paper.WriteXLSX(&out, paper.Part{Table: t, Rows: func(yield func([]any, error) bool) {
		for i := range n {
			s := func(format string, args ...any) string { return fmt.Sprintf(format, args...) }
			if !yield([]any{s("K-%05d", i), s("端末%d", i), "パソコン", "富士通", s("ESPRIMO %d", i%7), s("SN%07d", i), "Windows 11", s("10.%d.%d.%d", i>>14&63, i>>7&127, i&127+1),
				s("00:1a:2b:%02x:%02x:%02x", i>>16, i>>8&255, i&255), "本館", s("%d階", i%9+1), s("部屋%d", i%300), s("部署%d", i%30), s("担当%d", i%50),
				s("令和%d年4月1日", i%7+1), "R10.3.31", "株式会社テスト", s("備考 %d", i), s("棚%d", i%90), "固定"}, nil) {
				return
			}
		}
	}})
	if err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o600)
}

// reading reads a workbook of 10,000 rows, beside excelize.
func (b *bench) reading() error {
	path := filepath.Join(b.dir, "ledger.xlsx")
	if err := workbook(path, 10_000); err != nil {
		return err
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	start := time.Now()
	book, err := paper.Open(bytes.NewReader(file), int64(len(file)), "ledger.xlsx")
	if err != nil {
		return err
	}
	rows := 0
	if err := book.Sheets()[0].Rows(func(paper.Row) error { rows++; return nil }); err != nil {
		return err
	}
	ours := time.Since(start)
	start = time.Now()
	other, err := excelize.OpenReader(bytes.NewReader(file))
	if err != nil {
		return err
	}
	defer other.Close()
	if _, err := other.GetRows(other.GetSheetName(0)); err != nil {
		return err
	}
	theirs := time.Since(start)
	b.say(line{fmt.Sprintf("reading a workbook of %d rows x 20", rows), seconds(ours), "", "excelize " + seconds(theirs), times(ours, theirs)})
	return nil
}

// imports takes the workbook into a fresh house by the command that people use: read, matched, previewed, taken in, all with a history.
func (b *bench) imports() error {
	path := filepath.Join(b.dir, "ledger.xlsx")
	if _, err := os.Stat(path); err != nil {
		if err := workbook(path, 10_000); err != nil {
			return err
		}
	}
	data := filepath.Join(b.dir, "imports")
	if err := b.house(data); err != nil {
		return err
	}
	out, took, err := b.run(b.bin, "import", "ledger", path, "--data", data)
	if err != nil {
		return fmt.Errorf("%w %s", err, out)
	}
	b.say(line{"importing a workbook of 10,000 rows x 20", b.busy(took), "5 s", "", ""})
	_, again, err := b.run(b.bin, "import", "ledger", path, "--data", data, "--dry-run")
	if err != nil {
		return err
	}
	b.say(line{"  the same file again, only looked at (10,000 rows matched)", b.busy(again), "", "", ""})
	return nil
}

// house makes a data folder with one facility and one person.
func (b *bench) house(data string) error {
	_, _, err := b.run("bash", "-c", `printf 'only for this bench 2026\n' | "$0" user add --data "$1" --email bench@example.jp --role admin --facility-name Bench --password-stdin`, b.bin, data)
	return err
}

// list asks for pages of a ledger of 20,000 devices through the domain: every order, every filter.
func (b *bench) list() error {
	out, _, err := b.run("go", "test", "./ledger", "-run", "^$", "-bench", "^BenchmarkList$", "-benchtime", "1x", "-timeout", "10m")
	if err != nil {
		return err
	}
	get := func(unit string) string {
		if m := regexp.MustCompile(`([0-9.]+) ` + unit).FindStringSubmatch(out); m != nil {
			return m[1] + " ms"
		}
		return "?"
	}
	b.say(line{"a page of 20,000 devices, any order and filter: p95", get("p95-ms"), "100 ms", "p50 " + get("p50-ms"), "slowest " + get("max-ms")})
	return nil
}

// replay takes a recording of 20,000 devices through the whole way: stored, told to the ledger, identified, examined.
func (b *bench) replay() error {
	file := filepath.Join(b.dir, "recording.ndjson")
	n, err := recording(file, 20_000)
	if err != nil {
		return err
	}
	data := filepath.Join(b.dir, "house")
	if err := b.house(data); err != nil {
		return err
	}
	out, took, err := b.run(b.bin, "replay", file, "--data", data)
	if err != nil {
		return fmt.Errorf("%w %s", err, out)
	}
	b.say(line{fmt.Sprintf("replay: %d observations of 20,000 devices, all judged", n), fmt.Sprintf("%.0f/s, %s", float64(n)/took.Seconds(), b.busy(took)), "", "", ""})
	return nil
}

// recording writes what a sweep shows of n devices: PCs, printers and servers.
func recording(path string, n int) (rows int, err error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	at := time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond)
	for i := range n {
		mac := netid.MAC{0x00, 0x30, 0x13, byte(i >> 16), byte(i >> 8), byte(i)}
		see := func(s observation.Signal, port uint16, value string, detail map[string]string) {
			rows++
			if e := enc.Encode(observation.Observation{MAC: mac, IP: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), Segment: "lan", Sensor: "bench", Signal: s,
				Port: port, Value: value, Detail: detail, At: at}); e != nil {
				err = e
			}
		}
		name := fmt.Sprintf("PC-%05d", i)
		see(observation.ARP, 0, "", nil)
		switch i % 4 {
		case 0:
			see(observation.SNMPDescr, 161, "Laser Printer, firmware 2.1", nil)
			see(observation.SNMPPrinter, 161, "LBP 7200", map[string]string{"serial": fmt.Sprintf("SN%07d", i)})
			see(observation.TCPOpen, 9100, "9100", nil)
		case 1:
			see(observation.SSHBanner, 22, "SSH-2.0-OpenSSH_9.2p1 Debian-2", nil)
			see(observation.HTTPTitle, 80, "案内 "+strconv.Itoa(i), map[string]string{"status": "200", "server": "nginx"})
		default:
			see(observation.DHCPVendor, 0, "MSFT 5.0", nil)
			see(observation.NTLM, 445, name, map[string]string{"dns": name + ".hospital.local", "build": "10.0.19045"})
			see(observation.SMBDialect, 445, "3.1.1", map[string]string{"signing": "enabled"})
		}
		see(observation.Asked, 0, "complete", nil)
	}
	if err != nil {
		return 0, err
	}
	return rows, os.WriteFile(path, out.Bytes(), 0o600)
}
