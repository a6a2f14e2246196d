package assess

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"kenshin/catalogue"
	"kenshin/event"
	"kenshin/evidence"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/store"
)

// Contradiction is the check under which はい against a measurement stands among the findings; the part is catalogue, subject and item.
const Contradiction = "assess.contradiction"

// formKey names one form of one subject.
type formKey struct{ catalogue, subject string }

// shown is what stood beside an item when it was judged last.
type shown struct {
	state State
	since time.Time
}

// judgeAll looks at every form that somebody began, in the editions that are in use.
func (b *Book) judgeAll(ctx context.Context, tx *store.Tx, set catalogue.Set, now time.Time) error {
	claims, err := allClaims(ctx, tx)
	if err != nil {
		return err
	}
	latest, err := b.Evidence.LatestTx(ctx, tx)
	if err != nil {
		return err
	}
	systems, err := b.Ledger.SystemsTx(ctx, tx)
	if err != nil {
		return err
	}
	had, err := states(ctx, tx)
	if err != nil {
		return err
	}
	judged, used := map[string]bool{}, map[formKey]bool{}
	var events []event.Event
	for _, key := range sortedForms(claims) {
		c, ok := set.Find(key.catalogue)
		since, here := sinceOf(systems, key.subject, now)
		if !ok || !here || !inUse(set, c, key.subject, claims) {
			continue
		}
		used[key] = true
		for _, item := range c.Items {
			k, answered := claims[key][item.ID]
			if !answered {
				continue
			}
			i := b.join(item, key.subject, k, latest, since, now)
			e, err := b.settleState(ctx, tx, key, i, had, now)
			if err != nil {
				return err
			}
			events = append(events, e...)
			judged[partOf(key, item.ID)] = true
			if err := b.settleFinding(ctx, tx, c, key, i); err != nil {
				return err
			}
		}
	}
	if err := event.Add(ctx, tx, events); err != nil {
		return err
	}
	if err := dropQuestions(ctx, tx, used); err != nil {
		return err
	}
	return b.dropOld(ctx, tx, judged)
}

// inUse says that nobody has begun a newer edition of a form: an old one stays in force until then.
func inUse(set catalogue.Set, c catalogue.Catalogue, subject string, claims map[formKey]map[string]kept) bool {
	for key := range claims {
		other, ok := set.Find(key.catalogue)
		if ok && key.subject == subject && other.Kind == c.Kind && other.Form == c.Form && other.FiscalYear > c.FiscalYear {
			return false
		}
	}
	return true
}

func sinceOf(systems []ledger.System, subject string, now time.Time) (time.Time, bool) {
	if subject == "" {
		return time.Time{}, true
	}
	n := slices.IndexFunc(systems, func(s ledger.System) bool { return s.ID == subject })
	if n < 0 {
		return time.Time{}, false
	}
	return dayIn(systems[n].Since(), now.Location()), true
}

// dayIn moves the beginning of a day into a zone.
func dayIn(t time.Time, loc *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, loc)
}

func sortedForms(claims map[formKey]map[string]kept) []formKey {
	var out []formKey
	for k := range claims {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b formKey) int {
		return strings.Compare(a.catalogue+"\x00"+a.subject, b.catalogue+"\x00"+b.subject)
	})
	return out
}

func allClaims(ctx context.Context, tx *store.Tx) (map[formKey]map[string]kept, error) {
	out := map[formKey]map[string]kept{}
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var key formKey
		var id string
		k, err := scanClaim(r, &key.catalogue, &key.subject, &id)
		if out[key] == nil {
			out[key] = map[string]kept{}
		}
		out[key][id] = k
		return err
	}, "SELECT "+claimColumns+", catalogue_id, subject, item_id FROM assess_claims WHERE facility_id = $1")
	return out, err
}

func states(ctx context.Context, tx *store.Tx) (map[string]shown, error) {
	out := map[string]shown{}
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var key formKey
		var id string
		var s shown
		var since int64
		err := r.Scan(&key.catalogue, &key.subject, &id, &s.state, &since)
		s.since = store.Time(since)
		out[partOf(key, id)] = s
		return err
	}, "SELECT catalogue_id, subject, item_id, state, since FROM assess_states WHERE facility_id = $1")
	return out, err
}

func partOf(key formKey, item string) string { return key.catalogue + "/" + key.subject + "/" + item }

// settleState keeps the state of an item; a change of it is an event.
func (b *Book) settleState(ctx context.Context, tx *store.Tx, key formKey, i Item, had map[string]shown, now time.Time) ([]event.Event, error) {
	old, known := had[partOf(key, i.Item.ID)]
	if known && old.state == i.State {
		return nil, nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO assess_states (facility_id, catalogue_id, subject, item_id, state, since) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (facility_id, catalogue_id, subject, item_id) DO UPDATE SET state = excluded.state, since = excluded.since`,
		key.catalogue, key.subject, i.Item.ID, int(i.State), store.Micros(now))
	if err != nil || !known {
		return nil, err
	}
	return []event.Event{{At: now, Kind: event.AssessChanged, Params: map[string]string{"name": itemName(i.Item).Ja, "name_en": itemName(i.Item).En,
		"before": old.state.Label().Ja, "before_en": old.state.Label().En, "after": i.State.Label().Ja, "after_en": i.State.Label().En, "item": i.Item.ID, "catalogue": key.catalogue}}}, nil
}

// settleFinding opens, keeps or closes the finding of a contradiction. Only a check that has verified it since says that it was put right; an answer that no
// longer claims it leaves nothing to contradict.
func (b *Book) settleFinding(ctx context.Context, tx *store.Tx, c catalogue.Catalogue, key formKey, i Item) error {
	r := finding.Result{Check: Contradiction, Version: "1", Part: partOf(key, i.Item.ID), Outcome: finding.Clear}
	reason := "測定で確認しました"
	switch i.State {
	case Contradicted:
		if c.Kind == catalogue.Survey || c.Kind == catalogue.Visit { // what a department tells is no claim of the hospital
			return nil
		}
		r.Outcome, r.Severity, r.Owner, r.Text, r.Evidence = finding.Found, finding.Medium, i.ByName, contradictionText(c, i), grounds(i)
		if c.Kind == catalogue.Checklist {
			r.Severity = finding.High
		}
	case Expired, Unmeasured, Partly, WordOnly:
		r.Outcome = finding.Unreached
	case NotDone, Better, Exempt, Open:
		r.Outcome, reason = finding.Dropped, "答えが「はい」ではなくなりました"
	case Proven:
	}
	_, err := b.Findings.Note(ctx, tx, r, reason)
	return err
}

func contradictionText(c catalogue.Catalogue, i Item) finding.Text {
	why := i18n.Text{Ja: c.Title.Ja + "に「はい」と答えていますが、測定と食い違っています。", En: "“" + c.Title.En + "” says yes, but the measurement disagrees."}
	for _, r := range i.Records {
		if r.Outcome == evidence.Fail {
			why.Ja += r.Says.Ja
			why.En += " " + r.Says.En
		}
	}
	return finding.Text{Title: i18n.Text{Ja: "答えと測定の食い違い: " + itemName(i.Item).Ja, En: "Answer and measurement disagree: " + itemName(i.Item).En}, Why: why,
		Fix: i18n.Text{Ja: "測定で見つかったものを直すか、答えを「いいえ」にして目標日を入れてください。「はい」のまま印刷するには、理由を書きます(理由も印刷されます)。",
			En: "Put right what was measured, or answer no with a target date. To print yes all the same, write the reason; it is printed too."},
		Call: i18n.Text{Ja: "この項目に答えた人", En: "Whoever answered this item"}}
}

// grounds are the measurements that disagree.
func grounds(i Item) []finding.Evidence {
	var out []finding.Evidence
	for _, r := range i.Records {
		if r.Outcome != evidence.Fail {
			continue
		}
		out = append(out, finding.Evidence{Signal: r.Check, Value: r.Says.Ja, At: r.At})
		for _, ref := range r.Bad[:min(len(r.Bad), 10)] {
			out = append(out, finding.Evidence{Signal: r.Check, Value: ref.Text, At: r.At})
		}
	}
	return out
}

// dropOld closes the contradictions of forms that are no longer judged: another edition came, or the system left the ledger.
func (b *Book) dropOld(ctx context.Context, tx *store.Tx, judged map[string]bool) error {
	open, err := b.Findings.Standing(ctx, tx, Contradiction)
	if err != nil {
		return err
	}
	for _, f := range open {
		if judged[f.Part] {
			continue
		}
		r := finding.Result{Check: Contradiction, Version: "1", Part: f.Part, Outcome: finding.Dropped}
		if _, err := b.Findings.Note(ctx, tx, r, "この点検表は使われなくなりました"); err != nil {
			return err
		}
	}
	return nil
}
