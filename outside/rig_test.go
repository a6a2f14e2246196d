package outside

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/drill"
	"kenshin/facility"
	"kenshin/internal/browsertest"
	"kenshin/internal/dbtest"
	"kenshin/seal"
	"kenshin/store"
)

func TestMain(m *testing.M) { os.Exit(browsertest.Main(m)) }

type houses struct{}

func (houses) Facility(_ context.Context, id facility.ID) (account.Facility, error) {
	return account.Facility{ID: id, Name: "見本総合病院", Zone: "Asia/Tokyo"}, nil
}

// rig is the pages on a port of their own, over a data folder in which the log lies as well.
type rig struct {
	t    *testing.T
	dir  string
	db   *store.DB
	book *drill.Book
	base string
	door uint32
}

func newRig(t *testing.T, proxies ...string) *rig {
	t.Helper()
	r := &rig{t: t, dir: dbtest.SQLiteDir(t)}
	file, err := os.Create(filepath.Join(r.dir, "kenshin.log")) //nolint:gosec // the test's own folder
	r.must(err)
	log := slog.New(slog.NewTextHandler(file, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r.db, err = store.Open(t.Context(), store.Options{Dir: r.dir})
	r.must(err)
	r.book = drill.New(r.db, seal.NewBox(), houses{}, time.Now, log)
	s := drill.DefaultSettings()
	s.Domain, s.Base, s.Contact, s.Extension, s.ReportTo = "hibari-kunren.example", "https://kunren.example.jp", "情報システム室 佐藤", "1234", "hokoku@hospital.example.jp"
	r.must(r.book.SaveSettings(r.ctx(), dbtest.Facility, s, drill.Secrets{}))
	r.door, err = r.book.Door(t.Context(), dbtest.Facility)
	r.must(err)
	counter := r.book.Counter()
	d := Deps{Drills: r.book, Counter: counter, Log: log}
	for _, p := range proxies {
		d.Proxies = append(d.Proxies, netip.MustParsePrefix(p))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	r.must(err)
	server := HTTPServer(New(d).Handler(), log)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	r.base = "http://" + l.Addr().String()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
		counter.Close()
		if err := r.db.Close(); err != nil {
			t.Error(err)
		}
		_ = file.Close()
	})
	return r
}

func (r *rig) ctx() context.Context {
	return actor.With(r.t.Context(), actor.Actor{Kind: actor.Person, ID: "p-trainer", Name: "訓練 花子", Role: actor.Trainer})
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func parcelMail() drill.Mail {
	return drill.Mail{FromName: "ひばり宅配便", FromLocal: "info", Subject: "【至急】お荷物のお届けについて", Text: "{{氏名}} 様\n\n{{部署}}あてのお荷物を持ち帰りました。\n本日中にお手続きがない場合は返送します。\n{{リンク}}\n",
		HTML: `<p>{{氏名}} 様</p><p>{{部署}}あてのお荷物を持ち帰りました。</p><p>本日中にお手続きがない場合は返送します。</p><p><a href="{{リンク}}">再配達を申し込む</a></p>`,
		Link: true, Landing: "parcel"}
}

// sent is a drill whose one mail is out, with the token of each of its links.
func (r *rig) sent(mode drill.Mode, m drill.Mail) (id string, tokens map[drill.Signal]string) {
	r.t.Helper()
	ctx := r.ctx()
	d, err := r.book.Save(ctx, dbtest.Facility, drill.Drill{Name: "秋の訓練", Mode: mode, Mail: m, Rating: drill.Rating{Cues: []drill.Cue{
		{ID: "urgency", Part: "subject", Text: "【至急】"}, {ID: "threat", Part: "text", Text: "返送します"}, {ID: "domain", Part: "address", Text: "hibari-kunren.example"}}}})
	r.must(err)
	tokens = map[drill.Signal]string{}
	r.must(r.db.Write(ctx, dbtest.Facility, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE drill_drills SET state = 'sent', started_at = $3 WHERE facility_id = $1 AND id = $2", d.ID, store.Micros(time.Now())); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO drill_targets (facility_id, drill_id, id, person_id, address, surname, given, sort_key, department, job, role, mail, accepted_at)
			VALUES ($1, $2, 't-1', 'p-1', 'taro@hospital.example.jp', '髙﨑', '太郎', 'たかさき', '看護部', '', 'staff', 'accepted', $3)`, d.ID, store.Micros(time.Now())); err != nil {
			return err
		}
		for _, s := range drill.Linked() {
			tokens[s] = makeToken(r.door)
			sum := sha256.Sum256([]byte(tokens[s]))
			if _, err := tx.Exec(ctx, "INSERT INTO drill_tokens (facility_id, hash, drill_id, target_id, signal) VALUES ($1, $2, $3, 't-1', $4)", hex.EncodeToString(sum[:]), d.ID, string(s)); err != nil {
				return err
			}
		}
		return nil
	}))
	return d.ID, tokens
}

// makeToken has the form that docs/guide tells of: 4 bytes of the facility's door and 16 secret ones.
func makeToken(door uint32) string {
	b := binary.BigEndian.AppendUint32(nil, door)
	b = append(b, make([]byte, 16)...)
	_, _ = rand.Read(b[4:])
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

// events are what was recorded for the drill's one recipient.
func (r *rig) events(id string) []drill.Event {
	r.t.Helper()
	_, all, err := r.book.Target(r.t.Context(), dbtest.Facility, id, "t-1")
	r.must(err)
	return all
}

func (r *rig) do(method, path string, body string, head ...string) (*http.Response, string) {
	r.t.Helper()
	q, err := http.NewRequestWithContext(r.t.Context(), method, r.base+path, nil)
	r.must(err)
	if body != "" {
		q.Body, q.ContentLength = readCloser{strings.NewReader(body)}, int64(len(body))
	}
	for i := 0; i+1 < len(head); i += 2 {
		if head[i] == "chunked" {
			q.ContentLength = -1
			continue
		}
		q.Header.Add(head[i], head[i+1])
	}
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Do(q)
	r.must(err)
	defer res.Body.Close()
	var b strings.Builder
	_, err = copyTo(&b, res.Body)
	r.must(err)
	return res, b.String()
}

// find names the files of the data folder that hold a text.
func (r *rig) find(text string) (in []string) {
	r.t.Helper()
	files, err := os.ReadDir(r.dir)
	r.must(err)
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(r.dir, f.Name()))
		if err == nil && strings.Contains(string(b), text) {
			in = append(in, f.Name())
		}
	}
	return in
}
