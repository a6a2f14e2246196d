package drill

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"kenshin/drill/hit"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/store"
)

const (
	maxSaid     = 200 // scanners that people wrote down
	maxLearned  = 500 // that preflights learned; those seen last stay
	maxAbout    = 200 // characters
	narrowestV4 = 12  // the widest networks that may be a scanner's
	narrowestV6 = 32
)

// Scanner is what a mail scanner of this site looks like: learned in a preflight's quiet time, or written down by a person.
type Scanner struct {
	ID          string
	Net         netip.Prefix // the zero Prefix is any
	Agent       string       // learned: the whole User-Agent; written: a part of it, in either case; "" is any
	Note        string
	Learned     bool
	Inside      bool // learned from the hospital's own address
	Hits        int  // learned: how many
	First, Last time.Time
}

// ScannerError is a fault with the name of the field that is wrong: net, agent or note.
type ScannerError struct {
	Field string
	Fault *fault.Error
}

func (e *ScannerError) Error() string { return e.Field + ": " + e.Fault.Error() }
func (e *ScannerError) Unwrap() error { return e.Fault }

func badScanner(field, ja, en string) error {
	return &ScannerError{field, fault.New(fault.Invalid, ja, en)}
}

// ReadScanner reads what a person writes down: a network or an address, a part of a User-Agent, or both (then both must fit), and what it is. egress is
// the hospital's own. Its error is a *ScannerError.
func ReadScanner(network, agent, note string, egress []netip.Prefix) (s Scanner, err error) {
	if s.Net, err = scannerNet(network); err != nil {
		return s, err
	}
	s.Agent, s.Note = strings.Join(strings.Fields(jp.Narrow(agent)), " "), strings.Join(strings.Fields(note), " ")
	switch n := len(s.Agent); {
	case n == 0 && !s.Net.IsValid():
		return s, badScanner("net", "ネットワークか、プログラム名の一部のどちらかを入れてください。", "Enter a network or a part of the program's name.")
	case n > 0 && n < 4, n > maxAgent:
		return s, badScanner("agent", fmt.Sprintf("プログラム名は4文字から%d文字までです。", maxAgent), fmt.Sprintf("The program's name takes 4 to %d characters.", maxAgent))
	case printable(s.Agent) != s.Agent || strings.ToValidUTF8(s.Agent, "") != s.Agent:
		return s, badScanner("agent", "プログラム名に使えない文字が入っています。", "The program's name has characters that cannot be used.")
	case s.Note == "" || len([]rune(s.Note)) > maxAbout:
		return s, badScanner("note", fmt.Sprintf("何の装置か、どう確かめたかを書いてください(%d文字まで)。", maxAbout), fmt.Sprintf("Write what it is and how you know (at most %d characters).", maxAbout))
	case printable(s.Note) != s.Note:
		return s, badScanner("note", "メモに使えない文字が入っています。", "The note has characters that cannot be used.")
	}
	own := s.Net.IsValid() && overlaps(s.Net, egress)
	switch ordinary := s.Agent != "" && hit.Ordinary(s.Agent); {
	case own && s.Agent == "":
		return s, badScanner("net", "病院の出口のアドレスです。職員も同じアドレスから開くので、プログラム名の一部も入れてください。", "This is the hospital's own address, from which the staff come too: add a part of the program's name.")
	case ordinary && (own || !s.Net.IsValid()):
		return s, badScanner("agent", "職員が使うブラウザーやメールソフトの名前にも入っている文字です。このままでは職員が機械になってしまいます。その装置だけの文字にするか、病院の外のネットワークも入れてください。",
			"Browsers and mail programs of the staff have this in their names, too: it would turn people into machines. Use what only the scanner has, or add a network outside the hospital.")
	}
	return s, nil
}

func scannerNet(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(jp.Narrow(text))
	if text == "" {
		return netip.Prefix{}, nil
	}
	p, err := netip.ParsePrefix(text)
	if a, bad := netip.ParseAddr(text); bad == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err != nil {
		return p, badScanner("net", "「"+clip(text, 50)+"」は 198.51.100.0/24 のように書いてください。", "Write “"+clip(text, 50)+"” like 198.51.100.0/24.")
	}
	if a := p.Addr(); a.Is4In6() {
		p = netip.PrefixFrom(a.Unmap(), max(p.Bits()-96, 0))
	}
	if least := map[bool]int{true: narrowestV4, false: narrowestV6}[p.Addr().Is4()]; p.Bits() < least {
		return p, badScanner("net", fmt.Sprintf("広すぎます。/%d より狭いネットワークにしてください。", least), fmt.Sprintf("This is too wide: use a network of /%d or narrower.", least))
	}
	return p.Masked(), nil
}

func overlaps(p netip.Prefix, list []netip.Prefix) bool {
	for _, o := range list {
		if p.Overlaps(o) {
			return true
		}
	}
	return false
}

// Scanners lists what this site's mail scanners look like: what people wrote down, then what was learned, the newest first.
func (b *Book) Scanners(ctx context.Context, f facility.ID) (out []Scanner, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out, err = scannersIn(ctx, tx)
		return err
	})
	return out, err
}

type scanners []Scanner

func scannersIn(ctx context.Context, tx *store.Tx) (out scanners, err error) {
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		var s Scanner
		var net string
		var first, last int64
		if err := r.Scan(&s.ID, &net, &s.Agent, &s.Learned, &s.Inside, &s.Hits, &first, &last, &s.Note); err != nil {
			return err
		}
		s.First, s.Last = store.Time(first), store.Time(last)
		if net != "" {
			if s.Net, err = netip.ParsePrefix(net); err != nil {
				return fmt.Errorf("read a scanner: %w", err)
			}
		}
		out = append(out, s)
		return nil
	}, "SELECT s.id, s.net, s.agent, s.learned, s.inside, s.hits, s.first_at, s.last_at, s.note FROM drill_scanners s WHERE s.facility_id = $1 ORDER BY s.learned, s.last_at DESC, s.id DESC")
	return out, err
}

// rules are the scanners as a judgement follows them.
func (list scanners) rules() (said []hit.Scanner, learned []hit.SiteRule) {
	for _, s := range list {
		if s.Learned {
			learned = append(learned, hit.SiteRule{Net: s.Net, Agent: s.Agent, Inside: s.Inside, Hits: s.Hits, First: s.First, Last: s.Last})
			continue
		}
		r := hit.Scanner{ID: s.name() + " #" + s.ID[max(0, len(s.ID)-6):], Kind: hit.Machine, Source: s.Note, Date: s.Last.Format(time.DateOnly),
			Outside: s.Agent == "" || hit.Ordinary(s.Agent)} // whatever becomes the hospital's own address later
		if s.Net.IsValid() {
			r.Nets = []string{s.Net.String()}
		}
		if s.Agent != "" {
			r.Agents = []string{s.Agent}
		}
		said = append(said, r)
	}
	return said, learned
}

// name is how a reason names a scanner, in at most 70 bytes.
func (s Scanner) name() string {
	text := s.Agent
	if s.Net.IsValid() {
		text = strings.TrimSpace(s.Net.String() + " " + s.Agent)
	}
	for len(text) > 70 {
		r := []rune(text)
		text = string(r[:len(r)-1])
	}
	return text
}

// AddScanner writes a scanner down as ReadScanner reads it; the same one twice is one, with the newer note. All drills are judged anew.
func (b *Book) AddScanner(ctx context.Context, f facility.ID, network, agent, note string) (s Scanner, err error) {
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		set, err := SettingsKey().Get(ctx, tx)
		if err != nil {
			return err
		}
		if s, err = ReadScanner(network, agent, note, set.Egress); err != nil {
			return err
		}
		s.Last = b.stamp()
		s.First = s.Last
		if err := s.put(ctx, tx); err != nil {
			return err
		}
		var n int
		if err := tx.Row(ctx, "SELECT count(*) FROM drill_scanners s WHERE s.facility_id = $1 AND s.learned = $2", false).Scan(&n); err != nil {
			return err
		}
		if n > maxSaid {
			return fault.Newf(fault.TooLarge, "登録できる検査装置は%d件までです。使わないものを消してください。", "At most %d scanners can be written down. Remove some that are not used.", maxSaid)
		}
		return b.scannersChanged(ctx, tx, "", i18n.Text{Ja: "メールの検査装置「" + s.name() + "」を登録しました", En: "Wrote down the mail scanner " + s.name()}, map[string]any{})
	})
	return s, err
}

// put adds a scanner or brings the same one up to date, whose ID it then has.
func (s *Scanner) put(ctx context.Context, tx *store.Tx) error {
	net := ""
	if s.Net.IsValid() {
		net = s.Net.String()
	}
	if _, err := tx.Exec(ctx, `INSERT INTO drill_scanners (facility_id, id, net, agent, learned, inside, hits, first_at, last_at, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (facility_id, learned, net, agent) DO UPDATE SET inside = excluded.inside, hits = excluded.hits, first_at = excluded.first_at, last_at = excluded.last_at, note = excluded.note`,
		store.NewID(), net, s.Agent, s.Learned, s.Inside, s.Hits, store.Micros(s.First), store.Micros(s.Last), s.Note); err != nil {
		return err
	}
	return tx.Row(ctx, "SELECT s.id FROM drill_scanners s WHERE s.facility_id = $1 AND s.learned = $2 AND s.net = $3 AND s.agent = $4", s.Learned, net, s.Agent).Scan(&s.ID)
}

// RemoveScanner takes one off the list, learned or written down. All drills are judged anew.
func (b *Book) RemoveScanner(ctx context.Context, f facility.ID, id string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		list, err := scannersIn(ctx, tx)
		if err != nil {
			return err
		}
		for _, s := range list {
			if s.ID != id {
				continue
			}
			if _, err := tx.Exec(ctx, "DELETE FROM drill_scanners WHERE facility_id = $1 AND id = $2", id); err != nil {
				return err
			}
			return b.scannersChanged(ctx, tx, "", i18n.Text{Ja: "メールの検査装置「" + s.name() + "」を一覧から消しました", En: "Removed the mail scanner " + s.name()}, map[string]any{"learned": s.Learned})
		}
		return fault.New(fault.NotFound, "この検査装置は一覧にありません。", "There is no such scanner.")
	})
}

// scannersChanged has the drills judged anew and records why.
func (b *Book) scannersChanged(ctx context.Context, tx *store.Tx, drill string, text i18n.Text, detail map[string]any) error {
	n, err := judgeAgain(ctx, tx)
	if err != nil {
		return err
	}
	detail["judged_anew"] = n
	return b.trail(ctx, tx, "drill.scanners", drill, text, detail)
}

// LearnScanners saves what opened the test mails in the quiet time as this site's scanners. All drills are judged anew.
func (b *Book) LearnScanners(ctx context.Context, f facility.ID, id string) (learned int, err error) {
	s, err := b.Settings(ctx, f)
	if err != nil {
		return 0, err
	}
	p, err := b.Flight(ctx, f, id)
	if err != nil {
		return 0, err
	}
	if p.Watch, err = b.watched(ctx, f, id, p.Watch); err != nil {
		return 0, err
	}
	hits, err := b.testHits(ctx, f, id, p.Watch)
	if err != nil {
		return 0, err
	}
	found := hit.Learn(hits, s.Egress)
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		for _, r := range found {
			one := Scanner{Net: r.Net, Agent: r.Agent, Learned: true, Inside: r.Inside, Hits: r.Hits, First: r.First, Last: r.Last}
			if err := one.put(ctx, tx); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `DELETE FROM drill_scanners WHERE facility_id = $1 AND learned = $2 AND id NOT IN (SELECT s.id FROM drill_scanners s
			WHERE s.facility_id = $1 AND s.learned = $2 ORDER BY s.last_at DESC, s.id DESC LIMIT $3)`, true, maxLearned); err != nil {
			return err
		}
		p.Watch.Learned = true
		if err := b.putFlight(ctx, tx, id, &p); err != nil {
			return err
		}
		return b.scannersChanged(ctx, tx, id, i18n.Text{Ja: "この病院のメール検査装置の特徴を覚えました", En: "Learned what this site's mail scanners look like"}, map[string]any{"rules": len(found)})
	})
	return len(found), err
}
