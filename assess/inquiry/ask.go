package inquiry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/ledger"
	"kenshin/store"
	"kenshin/supplier"
)

// Link is what was made for an addressee. Its address is told once: only its hash is kept.
type Link struct {
	Inquiry Inquiry
	Address string // "" where the settings name no address of the pages
	Mailed  bool
}

// Letter is what goes to one addressee: ready to be copied where it was not mailed.
type Letter struct {
	To      []string
	Name    string
	Subject string
	Text    string
	Mailed  bool
	Links   []Link
}

// Target is a system with its vendor, and how the form stands.
type Target struct {
	System   ledger.System
	Vendor   supplier.Supplier // ID "" where only a name is written in the ledger, or none
	Inquiry  *Inquiry          // the newest for the catalogue
	Answered int               // items answered in the draft or form
	Of       int
}

// VendorForm is the newest vendor form in force.
func (b *Book) VendorForm(ctx context.Context) (catalogue.Catalogue, error) {
	set, err := b.Catalogues(ctx)
	if err != nil {
		return catalogue.Catalogue{}, err
	}
	c, ok := set.Newest(catalogue.Checklist, catalogue.VendorForm)
	if !ok {
		return c, fault.New(fault.NotFound, "事業者確認用の点検表がありません。", "There is no vendor form.")
	}
	return c, nil
}

// Targets lists the facility's systems with how the vendor form of a catalogue stands for each.
func (b *Book) Targets(ctx context.Context, f facility.ID, c catalogue.Catalogue) ([]Target, error) {
	systems, err := b.Ledger.Systems(ctx, f)
	if err != nil {
		return nil, err
	}
	vendors, err := b.Suppliers.List(ctx, f, "")
	if err != nil {
		return nil, err
	}
	out := make([]Target, 0, len(systems))
	for _, s := range systems {
		t := Target{System: s, Of: len(c.Items)}
		if n := slices.IndexFunc(vendors, func(v supplier.Supplier) bool { return v.ID == s.VendorID }); n >= 0 && s.VendorID != "" {
			t.Vendor = vendors[n]
		}
		out = append(out, t)
	}
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		asked, _, err := list(ctx, tx, Filter{Kind: Vendor, Catalogue: c.ID})
		if err != nil {
			return err
		}
		for k := range out {
			n := slices.IndexFunc(asked, func(i Inquiry) bool { return i.Subject == out[k].System.ID })
			if n < 0 {
				continue
			}
			s, err := sheet(ctx, tx, asked[n].ID, mainSheet)
			if err != nil {
				return err
			}
			out[k].Inquiry, out[k].Answered = &asked[n], len(s.Answers)
		}
		return nil
	})
	return out, err
}

// mainSheet is the one sheet of an inquiry that is not a survey.
const mainSheet = "1"

// AskVendors sends the vendor form for some systems, or for all that have a vendor and were not asked (nil). due may be zero. One vendor gets one letter.
// A system that was asked already gets a further link to the same form. Systems whose vendor answered, refused or is not registered are left out and named.
func (b *Book) AskVendors(ctx context.Context, f facility.ID, systems []string, due time.Time, word string) (letters []Letter, left []string, err error) {
	c, err := b.VendorForm(ctx)
	if err != nil {
		return nil, nil, err
	}
	targets, err := b.Targets(ctx, f, c)
	if err != nil {
		return nil, nil, err
	}
	now, house, err := b.local(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	if word = words(word); len([]rune(word)) > maxNote {
		return nil, nil, tooLong("ひとこと", maxNote)
	}
	by := map[string][]Target{}
	var order []string
	for _, t := range targets {
		all := systems == nil && (t.Inquiry == nil || t.Inquiry.State == Revoked)
		if !all && !slices.Contains(systems, t.System.ID) {
			continue
		}
		if t.Vendor.ID == "" || t.Inquiry != nil && (t.Inquiry.State == Answered || t.Inquiry.State == Taken || t.Inquiry.State == Refused) {
			left = append(left, t.System.Name)
			continue
		}
		if by[t.Vendor.ID] == nil {
			order = append(order, t.Vendor.ID)
		}
		by[t.Vendor.ID] = append(by[t.Vendor.ID], t)
	}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		letters = nil
		s, err := SettingsKey().Get(ctx, tx)
		if err != nil {
			return err
		}
		if due, err = dueDay(due, now, s); err != nil {
			return err
		}
		for _, v := range order {
			l, err := b.askVendor(ctx, tx, house, s, c, by[v], due, word)
			if err != nil {
				return err
			}
			letters = append(letters, l)
		}
		return nil
	})
	return letters, left, err
}

func dueDay(due, now time.Time, s Settings) (time.Time, error) {
	if due.IsZero() {
		due = now.AddDate(0, 0, 7*s.Weeks)
	}
	due = time.Date(due.Year(), due.Month(), due.Day(), 23, 59, 59, 0, now.Location())
	if due.Before(now) || due.After(now.AddDate(1, 0, 1)) {
		return due, fault.New(fault.Invalid, "回答の期限は、今日から1年以内の日にしてください。", "The due day must lie within a year from today.")
	}
	return due, nil
}

// life is when a link made now runs out: not before the due day.
func life(now, due time.Time, s Settings) time.Time {
	if until := now.AddDate(0, 0, s.Days); until.After(due) {
		return until
	}
	return due
}

func (b *Book) askVendor(ctx context.Context, tx *store.Tx, house account.Facility, s Settings, c catalogue.Catalogue, targets []Target, due time.Time, word string) (Letter, error) {
	v := targets[0].Vendor
	l := Letter{Name: v.Name, To: mailsOf(v)}
	for _, t := range targets {
		i := Inquiry{ID: store.NewID(), Kind: Vendor, Catalogue: c.ID, Subject: t.System.ID, Vendor: v.ID, State: Waiting, Created: b.stamp()}
		if t.Inquiry != nil && t.Inquiry.State == Waiting {
			old, err := get(ctx, tx, t.Inquiry.ID)
			if err != nil {
				return l, err
			}
			i = old
		}
		i.SubjectName, i.VendorName, i.To, i.Ask, i.Named, i.SHA256, i.ByName, i.Due = t.System.Name, v.Name, l.To, word, true, c.SHA256, actor.From(ctx).Name, due.UTC()
		token, err := b.link(ctx, tx, &i, life(b.Now(), due, s))
		if err != nil {
			return l, err
		}
		l.Links = append(l.Links, Link{Inquiry: i, Address: address(s, token)})
	}
	return l, b.deliver(ctx, tx, house, s, &l, "inquiry.ask", i18n.Text{Ja: "業者に回答を頼みました", En: "Asked a vendor"})
}

func mailsOf(v supplier.Supplier) (to []string) {
	for _, c := range v.Contacts {
		if mailAddress(c.Mail) && !slices.Contains(to, c.Mail) && len(to) < 3 {
			to = append(to, c.Mail)
		}
	}
	return to
}

func address(s Settings, token string) string {
	if s.Base == "" {
		return ""
	}
	return s.Base + "/f/" + token
}

// deliver keeps the letter's inquiries, mails it where that is possible, and records it.
func (b *Book) deliver(ctx context.Context, tx *store.Tx, house account.Facility, s Settings, l *Letter, action string, says i18n.Text) error {
	b.write(house, s, l)
	if b.Post != nil && len(l.To) > 0 && s.Base != "" {
		key := "inquiry:" + l.Links[0].Inquiry.ID + ":" + b.stamp().Format(time.RFC3339Nano)
		sent, err := b.Post(ctx, tx, l.To, l.Subject, l.Text, key)
		if err != nil {
			return err
		}
		l.Mailed = sent
	}
	for k := range l.Links {
		i := &l.Links[k].Inquiry
		i.Mailed, l.Links[k].Mailed = l.Mailed, l.Mailed
		if err := i.put(ctx, tx); err != nil {
			return err
		}
		how := "リンクを画面に出した"
		if l.Mailed {
			how = "メール: " + strings.Join(l.To, ", ")
		}
		if err := b.note(ctx, tx, i.ID, "sent", actor.From(ctx).Name, how, nil); err != nil {
			return err
		}
		if err := b.trail(ctx, tx, action, i.ID, i18n.Text{Ja: says.Ja + "（" + l.Name + "・" + i.SubjectName + "）", En: says.En + " (" + l.Name + ", " + i.SubjectName + ")"}); err != nil {
			return err
		}
	}
	return nil
}

// write makes the letter's text.
func (b *Book) write(house account.Facility, s Settings, l *Letter) {
	i := l.Links[0].Inquiry
	l.Subject = house.Name + ": 医療情報システムの点検表へのご回答のお願い"
	head := "平素よりお世話になっております。" + house.Name + "です。\n医療情報システムの安全管理の点検表(事業者確認用)へのご回答をお願いします。"
	switch i.Kind {
	case Survey:
		l.Subject = house.Name + ": 調査へのご協力のお願い"
		head = house.Name + "の情報担当です。部門の調査にご協力ください。"
	case Question:
		l.Subject = house.Name + ": 点検表についてのご質問"
		head = "平素よりお世話になっております。" + house.Name + "です。\n医療情報システムの点検表について、教えていただきたいことがあります。"
	case Vendor:
	}
	var t strings.Builder
	fmt.Fprintf(&t, "%s 御中\n\n%s\n", l.Name, head)
	if i.Ask != "" {
		fmt.Fprintf(&t, "\n%s\n", i.Ask)
	}
	t.WriteString("\n下のリンクを開いてお答えください。会員登録は要りません。途中まで書いて保存できます。\n")
	for _, k := range l.Links {
		fmt.Fprintf(&t, "\n■ %s\n%s\n", k.Inquiry.SubjectName, k.Address)
	}
	fmt.Fprintf(&t, "\n回答の期限: %s(リンクが使えるのは %s まで)\n", day(i.Due, house), day(i.Until, house))
	t.WriteString("このリンクを知っている人は回答できます。回答される方のほかには転送しないでください。\n")
	if s.Contact != "" {
		fmt.Fprintf(&t, "\nお問い合わせ: %s\n", s.Contact)
	}
	l.Text = t.String()
}

func day(at time.Time, house account.Facility) string {
	t := at.In(house.Location())
	return t.Format("2006年1月2日") + "(" + jp.Weekday(t) + ")"
}

// AskQuestion sends one item to a vendor or to the support body by a link. id is the question's own id, kept as the inquiry's subject.
func (b *Book) AskQuestion(ctx context.Context, f facility.ID, q Asking) (l Letter, err error) {
	set, err := b.Catalogues(ctx)
	if err != nil {
		return l, err
	}
	c, ok := set.Find(q.Catalogue)
	if !ok {
		return l, fault.New(fault.NotFound, "この点検表はありません。", "There is no such catalogue.")
	}
	item, ok := c.Item(q.Item)
	if !ok {
		return l, fault.New(fault.NotFound, "この項目は点検表にありません。", "There is no such item in the catalogue.")
	}
	if q.Text = words(q.Text); q.Text == "" {
		q.Text = "「" + ItemName(item).Ja + "」について教えてください。"
	}
	if len([]rune(q.Text)) > maxNote {
		return l, tooLong("質問", maxNote)
	}
	now, house, err := b.local(ctx, f)
	if err != nil {
		return l, err
	}
	i := Inquiry{Kind: Question, Catalogue: c.ID, Subject: q.ID, Vendor: q.Vendor, State: Waiting, Created: b.stamp()}
	if q.Vendor != "" {
		v, err := b.Suppliers.Get(ctx, f, q.Vendor)
		if err != nil {
			return l, err
		}
		i.VendorName, i.To = v.Name, mailsOf(v)
	}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		s, err := SettingsKey().Get(ctx, tx)
		if err != nil {
			return err
		}
		due, err := dueDay(q.Due, now, s)
		if err != nil {
			return err
		}
		i.ID, i.Revision, i.Due = store.NewID(), 0, due.UTC()
		if i.Subject == "" {
			i.Subject = i.ID
		}
		if q.Vendor == "" {
			i.VendorName, i.To = "支援団体", nil
			if s.Support != "" {
				i.To = []string{s.Support}
			}
		}
		i.SubjectName, i.Item, i.Ask, i.Named, i.SHA256, i.ByName = ItemName(item).Ja, item.ID, q.Text, true, c.SHA256, actor.From(ctx).Name
		token, err := b.link(ctx, tx, &i, life(b.Now(), due, s))
		if err != nil {
			return err
		}
		l = Letter{Name: i.VendorName, To: i.To, Links: []Link{{Inquiry: i, Address: address(s, token)}}}
		return b.deliver(ctx, tx, house, s, &l, "inquiry.question", i18n.Text{Ja: "点検表の項目を質問しました", En: "Asked about an item"})
	})
	return l, err
}

// Asking is a question about one item.
type Asking struct {
	ID        string // of the question it belongs to; "" where it stands alone
	Catalogue string
	Item      string
	Vendor    string // "": the support body
	Text      string
	Due       time.Time
}
