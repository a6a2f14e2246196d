package drill

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kenshin/drill/domain"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

// proofs are the facility's domains with their proofs.
type proofs []domain.Verification

// covers refuses an address whose domain is not proven to be the hospital's own.
func (p proofs) covers(address string, now time.Time) error { return domain.Covers(p, address, now) }

func verifiedDomains(ctx context.Context, tx *store.Tx) (out proofs, err error) {
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		var text string
		var v domain.Verification
		if err := r.Scan(&text); err != nil {
			return err
		}
		err := unmarshal(text, &v)
		out = append(out, v)
		return err
	}, "SELECT d.content FROM drill_domains d WHERE d.facility_id = $1 ORDER BY d.domain")
	return out, err
}

// Domains lists the facility's domains with their proofs.
func (b *Book) Domains(ctx context.Context, f facility.ID) (out []domain.Verification, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out, err = verifiedDomains(ctx, tx)
		return err
	})
	return out, err
}

func (b *Book) putDomain(ctx context.Context, tx *store.Tx, v domain.Verification) error {
	text, err := marshal(v)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO drill_domains (facility_id, domain, state, until_at, changed_at, content) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (facility_id, domain) DO UPDATE SET state = excluded.state, until_at = excluded.until_at, changed_at = excluded.changed_at, content = excluded.content`,
		string(v.Domain), string(v.State(b.now())), store.Micros(v.Until()), store.Micros(b.stamp()), text)
	return err
}

func noDomain() error {
	return fault.New(fault.NotFound, "このドメインは登録されていません。", "There is no such domain.")
}

// AskDomain opens the proof that a domain is the hospital's own: by a DNS record (contact ""), or by mails to its postmaster and to the
// security contact named. The challenge says what the owner is to do; the mails are queued.
func (b *Book) AskDomain(ctx context.Context, f facility.ID, name, contact string) (c domain.Challenge, err error) {
	n, err := domain.Parse(name)
	if err != nil {
		return c, err
	}
	if err := domain.Refusal(n); err != nil {
		return c, err
	}
	err = b.changeDomain(ctx, f, n, true, i18n.Text{Ja: "訓練の宛先ドメイン「%s」の確認を始めました", En: "Began to prove the domain %s"}, func(tx *store.Tx, v domain.Verification) (domain.Verification, error) {
		if contact == "" {
			v, c, err = v.Ask(n, rand.Reader, b.now())
			return v, err
		}
		if v, c, err = v.AskByMail(n, contact, rand.Reader, b.now()); err != nil {
			return v, err
		}
		for _, m := range c.Mails {
			if err := b.queueMail(ctx, tx, kindVerify, "", string(n), "verify:"+store.NewID(), codeMail(string(n), m), b.now()); err != nil {
				return v, err
			}
		}
		return v, nil
	})
	return c, err
}

// kindVerify marks the mails of a round trip: the only ones that go to a domain before it is proven, two for each request.
const kindVerify = "verify"

func codeMail(name string, m domain.Mail) plainMail {
	return plainMail{To: m.To, Subject: "【確認】標的型メール訓練の宛先ドメイン " + name, Text: "Kenshin（ネットワーク健診）で、" + name + " の職員に訓練メールを送ってよいかを確かめています。\n\n" +
		"心当たりがあれば、次のコードを訓練の担当者に伝えてください。心当たりがなければ、何もしないでください。何も送られません。\n\n    " + m.Code + "\n\n" +
		"Somebody asks for leave to rehearse targeted mail with the staff of " + name + ". If you agree, give this code to the person in charge; otherwise do nothing.\n"}
}

// CheckDomain looks for the DNS record of a domain's challenge now, and proves the domain when it is there.
func (b *Book) CheckDomain(ctx context.Context, f facility.ID, name string) (a domain.Answer, err error) {
	n, err := domain.Parse(name)
	if err != nil {
		return a, err
	}
	v, err := b.oneDomain(ctx, f, n)
	if err != nil {
		return a, err
	}
	world, err := b.reach(ctx, f)
	if err != nil {
		return a, err
	}
	if world.Resolver == nil {
		return a, fault.New(fault.Unavailable, "ここからはDNSを調べられません。", "DNS cannot be asked from here.")
	}
	if a = domain.CheckTXT(ctx, world.Resolver, n, v.Code); a.Finding != domain.Found {
		return a, nil
	}
	err = b.changeDomain(ctx, f, n, false, i18n.Text{Ja: "訓練の宛先ドメイン「%s」をDNSで確認しました", En: "Proved the domain %s by DNS"}, func(_ *store.Tx, now domain.Verification) (domain.Verification, error) {
		if now.Code != v.Code {
			return now, fault.New(fault.Conflict, "確認のコードが変わりました。もう一度お試しください。", "The code changed meanwhile. Try again.")
		}
		return now.Prove(b.now())
	})
	return a, err
}

// ConfirmDomain takes a code of a round trip.
func (b *Book) ConfirmDomain(ctx context.Context, f facility.ID, name, code string) error {
	n, err := domain.Parse(name)
	if err != nil {
		return err
	}
	return b.changeDomain(ctx, f, n, false, i18n.Text{Ja: "訓練の宛先ドメイン「%s」の確認コードを受け取りました", En: "Took a code of the domain %s"}, func(_ *store.Tx, v domain.Verification) (domain.Verification, error) {
		return v.Confirm(code, b.now())
	})
}

// WithdrawDomain ends a domain's proof at once: nothing more is sent there.
func (b *Book) WithdrawDomain(ctx context.Context, f facility.ID, name, why string) error {
	n, err := domain.Parse(name)
	if err != nil {
		return err
	}
	return b.changeDomain(ctx, f, n, false, i18n.Text{Ja: "訓練の宛先ドメイン「%s」を取り下げました", En: "Withdrew the domain %s"}, func(_ *store.Tx, v domain.Verification) (domain.Verification, error) {
		return v.Withdraw(clip(why, 500), b.now()), nil
	})
}

func (b *Book) oneDomain(ctx context.Context, f facility.ID, n domain.Name) (v domain.Verification, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		v, err = getDomain(ctx, tx, n)
		return err
	})
	return v, err
}

func getDomain(ctx context.Context, tx *store.Tx, n domain.Name) (v domain.Verification, err error) {
	var text string
	err = tx.Row(ctx, "SELECT d.content FROM drill_domains d WHERE d.facility_id = $1 AND d.domain = $2", string(n)).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return v, noDomain()
	}
	if err == nil {
		err = unmarshal(text, &v)
	}
	return v, err
}

// changeDomain changes a domain's proof with its entry in the trail. text holds %s for the domain.
func (b *Book) changeDomain(ctx context.Context, f facility.ID, n domain.Name, fresh bool, text i18n.Text, change func(*store.Tx, domain.Verification) (domain.Verification, error)) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		v, err := getDomain(ctx, tx, n)
		if fresh && fault.Is(err, fault.NotFound) {
			v, err = domain.Verification{Domain: n}, nil
		}
		if err != nil {
			return err
		}
		if v, err = change(tx, v); err != nil {
			return err
		}
		if err := b.putDomain(ctx, tx, v); err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.domain", string(n), i18n.Text{Ja: fmt.Sprintf(text.Ja, n.Unicode()), En: fmt.Sprintf(text.En, n.Unicode())}, nil)
	})
}

// pending reports whether an address is one of those that a round trip asked and that may get its code.
func (p proofs) pending(address string, now time.Time) bool {
	for _, v := range p {
		if v.Method == domain.RoundTrip && v.Ended.IsZero() && now.Sub(v.Asked) < domain.AnswerBy && (v.Postmaster.To == address || v.Contact.To == address) {
			return true
		}
	}
	return false
}
