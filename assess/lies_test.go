package assess_test

import (
	"testing"
	"time"

	"kenshin/assess"
	"kenshin/catalogue"
)

// scene is a hospital that claims more than is so, and its honest twin. The verdicts are what the checks report; whether a check reports rightly is that
// check's own test.
type scene struct {
	name         string
	lie          assess.Claim
	seen         []assess.Verdict
	since        time.Time
	want         assess.State
	honest       assess.Claim
	honestlySeen []assess.Verdict
	wantHonest   assess.State
}

func one(o assess.Outcome, n, of, days int) []assess.Verdict {
	return []assess.Verdict{measured(o, n, of, days)}
}

// lived makes a result that counts for days from when it was measured.
func lived(o assess.Outcome, n, of, age, days int) assess.Verdict {
	v := measured(o, n, of, age)
	v.Until = v.At.AddDate(0, 0, days)
	return v
}

func scenes() []scene {
	const P, F = assess.Pass, assess.Fail
	silent := []assess.Verdict{{}}
	off := []assess.Verdict{down(assess.Verdict{})}
	var none time.Time
	return []scene{
		{"the ledger misses 30 seen devices", yes(3), one(F, 460, 460, 1), none, assess.Contradicted, yes(3), one(P, 460, 460, 1), assess.Proven},
		{"the ledger is complete for the half that was swept", yes(3), one(P, 230, 460, 1), none, assess.Partly, yes(3), one(P, 455, 460, 1), assess.Proven},
		{"the ledger was never compared with the network", yes(3), silent, none, assess.WordOnly, no(3), silent, assess.NotDone},
		{"the sweep is a month old", yes(3), []assess.Verdict{lived(P, 460, 460, 31, 7)}, none, assess.Expired, yes(3), []assess.Verdict{lived(P, 460, 460, 3, 7)}, assess.Proven},
		{"an empty ledger and an empty network", yes(3), one(P, 0, 0, 1), none, assess.Unmeasured, no(3), silent, assess.NotDone},
		{"the sensor was unplugged before the visit", yes(3), off, none, assess.Unmeasured, yes(3), one(P, 460, 460, 0), assess.Proven},
		{"the sensor was unplugged and its last word has expired", yes(3), []assess.Verdict{down(lived(P, 460, 460, 20, 7))}, none, assess.Expired, yes(3), []assess.Verdict{down(lived(P, 460, 460, 2, 7))}, assess.Proven},
		{"the sensor was unplugged after it had failed", yes(3), []assess.Verdict{down(lived(F, 460, 460, 2, 7))}, none, assess.Contradicted, no(3), []assess.Verdict{down(lived(F, 460, 460, 2, 7))}, assess.NotDone},
		{"more devices measured than there are", yes(3), one(P, 900, 460, 1), none, assess.Unmeasured, yes(3), one(P, 460, 460, 1), assess.Proven},
		{"ledger complete, half of it not seen for months", yes(3), []assess.Verdict{measured(P, 460, 460, 1), measured(F, 230, 460, 1)}, none, assess.Contradicted, yes(3), []assess.Verdict{measured(P, 460, 460, 1), measured(P, 450, 460, 1)}, assess.Proven},
		{"a leaver still has an account", yes(3), one(F, 300, 300, 2), none, assess.Contradicted, yes(3), one(P, 300, 300, 2), assess.Proven},
		{"the leaver list is of last spring", yes(3), one(P, 300, 300, 200), none, assess.Expired, yes(3), one(P, 300, 300, 20), assess.Proven},
		{"accounts of one system of five were compared", yes(3), one(P, 1, 5, 2), none, assess.Partly, yes(3), one(P, 5, 5, 2), assess.Proven},
		{"a vendor's line is not in the register", yes(3), one(F, 12, 12, 1), none, assess.Contradicted, yes(3), one(P, 12, 12, 1), assess.Proven},
		{"an LTE box was found beside a complete register", yes(3), []assess.Verdict{measured(P, 12, 12, 1), measured(F, 1, 1, 1)}, none, assess.Contradicted, yes(3), []assess.Verdict{measured(P, 12, 12, 1), measured(P, 1, 1, 1)}, assess.Proven},
		{"not applicable although lines exist, without a reason", exempt("", "院長"), one(F, 12, 12, 1), none, assess.Open, exempt("事業者との契約なし", "院長"), silent, assess.Exempt},
		{"not applicable that nobody approved", exempt("古い装置のため", ""), silent, none, assess.Open, exempt("古い装置で外部接続なし", "院長"), silent, assess.Exempt},
		{"MDS of two systems of nine", yes(3), one(P, 2, 9, 5), none, assess.Partly, yes(3), one(P, 9, 9, 5), assess.Proven},
		{"the MDS is older than the system's update", yes(3), one(P, 9, 9, 20), ago(10), assess.Expired, yes(3), one(P, 9, 9, 5), assess.Proven},
		{"the form was answered before the system existed", yes(90), silent, ago(30), assess.Open, yes(20), silent, assess.WordOnly},
		{"an answer without its day", assess.Claim{Reply: catalogue.Yes}, one(P, 9, 9, 1), none, assess.Open, yes(0), one(P, 9, 9, 1), assess.Proven},
		{"an answer of next month", yes(-30), one(P, 9, 9, 1), none, assess.Open, yes(0), one(P, 9, 9, 1), assess.Proven},
		{"the clock was set back after the measurement", yes(3), one(P, 9, 9, -40), none, assess.Unmeasured, yes(3), one(P, 9, 9, 0), assess.Proven},
		{"a measurement that never expires", yes(3), []assess.Verdict{{Outcome: P, Measured: 9, Of: 9, At: ago(400)}}, none, assess.Expired, yes(3), one(P, 9, 9, 1), assess.Proven},
		{"a measurement that expired before it was made", yes(3), []assess.Verdict{lived(P, 9, 9, 1, -5)}, none, assess.Expired, yes(3), one(P, 9, 9, 1), assess.Proven},
		{"a backup older than claimed", yes(3), one(F, 6, 6, 1), none, assess.Contradicted, yes(3), one(P, 6, 6, 1), assess.Proven},
		{"backups run, nothing was ever restored", yes(3), []assess.Verdict{measured(P, 6, 6, 1), {}}, none, assess.Partly, yes(3), []assess.Verdict{measured(P, 6, 6, 1), measured(P, 6, 6, 9)}, assess.Proven},
		{"backups run, the restore failed", yes(3), []assess.Verdict{measured(P, 6, 6, 1), measured(F, 1, 6, 9)}, none, assess.Contradicted, yes(3), []assess.Verdict{measured(P, 6, 6, 1), measured(P, 6, 6, 9)}, assess.Proven},
		{"the restore test is three years old", yes(3), []assess.Verdict{measured(P, 6, 6, 1), lived(P, 6, 6, 1100, 365)}, none, assess.Expired, yes(3), []assess.Verdict{measured(P, 6, 6, 1), lived(P, 6, 6, 300, 365)}, assess.Proven},
		{"Windows 7 is still on the network", yes(3), one(F, 440, 460, 1), none, assess.Contradicted, yes(3), one(P, 440, 460, 1), assess.Proven},
		{"patches known for a tenth of the PCs", yes(3), one(P, 46, 460, 1), none, assess.Partly, yes(3), one(P, 440, 460, 1), assess.Proven},
		{"one bad device among few that were tested", yes(3), one(F, 3, 460, 1), none, assess.Contradicted, no(3), one(F, 3, 460, 1), assess.NotDone},
		{"SMB1 answers on the ward", yes(3), one(F, 450, 460, 1), none, assess.Contradicted, yes(3), one(P, 450, 460, 1), assess.Proven},
		{"the contact chart's numbers are dead", yes(3), one(F, 8, 8, 4), none, assess.Contradicted, yes(3), one(P, 8, 8, 4), assess.Proven},
		{"the officer left in spring", yes(3), one(F, 1, 1, 1), none, assess.Contradicted, yes(3), one(P, 1, 1, 1), assess.Proven},
		{"a plan without a date", yes(3), silent, none, assess.WordOnly, yes(3), one(P, 1, 1, 10), assess.Proven},
		{"a plan whose drill is two years old", yes(3), []assess.Verdict{measured(P, 1, 1, 10), lived(P, 1, 1, 730, 365)}, none, assess.Expired, yes(3), []assess.Verdict{measured(P, 1, 1, 10), lived(P, 1, 1, 100, 365)}, assess.Proven},
		{"don't know, entered as if it were an answer", assess.Claim{Reply: catalogue.Unknown, On: ago(1)}, one(P, 9, 9, 1), none, assess.Open, assess.Claim{Reply: catalogue.Unknown, On: ago(1)}, silent, assess.Open},
		{"no answer, while the machine is content", assess.Claim{}, one(P, 9, 9, 1), none, assess.Open, no(1), one(P, 9, 9, 1), assess.Better},
		{"two-factor for two systems of six", yes(3), one(P, 2, 6, 1), none, assess.Partly, yes(3), one(P, 6, 6, 1), assess.Proven},
	}
}

func TestPlantedLiesAndHonestTwins(t *testing.T) {
	all := scenes()
	if len(all) != 40 {
		t.Fatalf("%d scenes, want 40", len(all))
	}
	found, falsely := 0, 0
	for _, s := range all {
		need := assess.Need{Percent: 95, Since: s.since}
		got := assess.StateOf(s.lie, assess.Join(s.seen, now), need, now)
		if got == s.want && got != assess.Proven {
			found++
		} else {
			t.Errorf("%s: %s, want %s", s.name, got.Label().Ja, s.want.Label().Ja)
		}
		got = assess.StateOf(s.honest, assess.Join(s.honestlySeen, now), need, now)
		if got == assess.Contradicted {
			falsely++
		}
		if got != s.wantHonest {
			t.Errorf("honest twin of “%s”: %s, want %s", s.name, got.Label().Ja, s.wantHonest.Label().Ja)
		}
	}
	t.Logf("detected %d of %d planted lies; %d false contradictions on %d honest twins", found, len(all), falsely, len(all))
}
