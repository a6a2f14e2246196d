package app

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"math"
	random "math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/calendar"
	"kenshin/drill/intake"
	"kenshin/drill/preflight"
	"kenshin/drill/relay"
	"kenshin/drill/scenario"
	"kenshin/facility"
)

//go:embed demo/drill.yaml
var demoDrillWords []byte

// demoTrainer is the demo's second person: who wrote a drill may not approve it, and only a trainer sees names.
const demoTrainer = "kunren@kenshin.invalid"

type demoDrills struct {
	Domain, Sender, Base, Contact, Security, Extension string
	ReportTo                                           string `yaml:"report_to"`
	Egress                                             netip.Prefix
	Outgoing, Scanner                                  netip.Addr
	Day                                                int
	Departments                                        []struct {
		Name, Job      string
		People         int
		Fell, Reported float64
	}
	Surnames, Given, Canaries, Testers []string
	Rounds                             []demoRound
	Waiting                            demoRound
	Stranger                           struct {
		From, Subject, Text string
		Days                []int
	}
}

type demoRound struct {
	Name, Scenario string
	Level          scenario.Level
	Day            int
	Fell, Reported float64
}

// rehearsal tells the story of the demo's drills. All goes through the drills' own code: only the mails' way is one that leads nowhere.
type rehearsal struct {
	*demo
	words   demoDrills
	names   demoNames
	admin   actor.Actor
	trainer actor.Actor
	chance  *random.Rand
	mails   map[string][]byte // of the drill at hand, by recipient
	counter *drill.Counter
}

// drills makes the drills of the demo. It is called after the sweeps, and goes back in time itself.
func (d *demo) drills(ctx context.Context, door *DemoDoor) error {
	r := &rehearsal{demo: d, names: demoZone(), chance: random.New(random.NewPCG(1, 2026))} //nolint:gosec // a story, not a secret
	dec := yaml.NewDecoder(bytes.NewReader(demoDrillWords))
	dec.KnownFields(true)
	if err := dec.Decode(&r.words); err != nil {
		return fmt.Errorf("read the words of the demo's drills: %w", err)
	}
	d.Drills.Pretend(r.names.world(d.Now))
	r.counter = d.Drills.Counter()
	defer r.counter.Close()
	d.ago(r.words.Day)
	if err := r.people(ctx, door); err != nil {
		return fmt.Errorf("the people of the demo's drills: %w", err)
	}
	for _, round := range r.words.Rounds {
		if err := r.round(ctx, round); err != nil {
			return fmt.Errorf("drill %s: %w", round.Name, err)
		}
	}
	if err := r.stranger(ctx); err != nil {
		return fmt.Errorf("the mail from outside: %w", err)
	}
	start := calendar.Default().Next(d.now.AddDate(0, 0, 3))
	_, err := r.prepared(ctx, r.words.Waiting, d.now.AddDate(0, 0, -r.words.Waiting.Day), drill.Schedule{Start: start, Until: start.Add(2 * time.Hour)})
	return err
}

// people makes the accounts of the two who run drills, the settings, the proof of the domain and the recipients.
func (r *rehearsal) people(ctx context.Context, door *DemoDoor) error {
	f := r.facility
	admin, err := r.Account.PersonByEmail(ctx, demoEmail)
	if err != nil {
		return err
	}
	door.Trainer, door.TrainerPassword = demoTrainer, rand.Text()
	trainer, err := r.Account.AddPerson(ctx, f, account.NewPerson{Email: demoTrainer, Name: "見本 訓子(訓練担当)", Password: door.TrainerPassword}, actor.Trainer, time.Time{})
	if err != nil {
		return err
	}
	r.admin = actor.Actor{Kind: actor.Person, ID: string(admin.ID), Name: admin.Name, Role: actor.Admin}
	r.trainer = actor.Actor{Kind: actor.Person, ID: string(trainer.ID), Name: trainer.Name, Role: actor.Trainer}
	w, ctx := r.words, actor.With(ctx, r.admin)
	s := drill.DefaultSettings()
	s.Domain, s.Base, s.Contact, s.Security, s.ReportTo, s.Extension = w.Sender, w.Base, w.Contact, w.Security, w.ReportTo, w.Extension
	s.Egress, s.Outgoing = []netip.Prefix{w.Egress}, []netip.Addr{w.Outgoing}
	s.Relay = drill.RelaySettings{Kind: "smtp", Host: "127.0.0.1", Port: 2525, Security: "none"} // nobody is asked: see drill.OpenLine
	if err := r.Drills.SaveSettings(ctx, f, s, drill.Secrets{}); err != nil {
		return err
	}
	ask, err := r.Drills.AskDomain(ctx, f, w.Domain, "")
	if err != nil {
		return err
	}
	r.names[ask.Host] = []string{ask.Value}
	if _, err := r.Drills.CheckDomain(ctx, f, w.Domain); err != nil {
		return err
	}
	_, _, err = r.Drills.SavePeople(actor.With(ctx, r.trainer), f, r.staff(), false)
	return err
}

func (r *rehearsal) staff() (out []drill.Person) {
	w := r.words
	for _, d := range w.Departments {
		for range d.People {
			n := len(out)
			surname, reading, _ := strings.Cut(w.Surnames[n*7%len(w.Surnames)], " ")
			given, second, _ := strings.Cut(w.Given[n%len(w.Given)], " ")
			out = append(out, drill.Person{Address: fmt.Sprintf("mihon-%03d@%s", n+1, w.Domain), Surname: surname, Given: given, Reading: reading + " " + second,
				Department: d.Name, Job: d.Job, Role: drill.Staff})
		}
	}
	for role, list := range map[drill.PersonRole][]string{drill.Canary: w.Canaries, drill.Tester: w.Testers} {
		for _, name := range list {
			out = append(out, drill.Person{Address: name + "@" + w.Domain, Role: role})
		}
	}
	return out
}

// prepared is a drill that was written at a time, looked over before sending, and waits for the second person.
func (r *rehearsal) prepared(ctx context.Context, w demoRound, at time.Time, s drill.Schedule) (d drill.Drill, err error) {
	r.clock.Store(at.UnixMicro())
	ctx, f := actor.With(ctx, r.trainer), r.facility
	d = drill.Drill{Name: w.Name, Schedule: s}
	if d.Mail, d.Rating, err = r.Drills.FromScenario(ctx, f, w.Scenario, w.Level); err != nil {
		return d, err
	}
	if d, err = r.Drills.Save(ctx, f, d); err != nil {
		return d, err
	}
	if _, err := r.Drills.SendTests(ctx, f, d.ID); err != nil {
		return d, err
	}
	if err := r.send(ctx); err != nil {
		return d, err
	}
	for _, name := range r.words.Testers {
		if err := r.Drills.Delivered(ctx, f, d.ID, name+"@"+r.words.Domain, preflight.Inbox, nil); err != nil {
			return d, err
		}
	}
	r.clock.Add(int64(16 * time.Minute / time.Microsecond))
	p, err := r.Drills.Preflight(ctx, f, d.ID)
	if err != nil {
		return d, err
	}
	for _, check := range p.Report.Open {
		if err := r.Drills.WaiveCheck(ctx, f, d.ID, check, "見本の病院は実在しないため、外のサーバを調べられない"); err != nil {
			return d, err
		}
	}
	return r.Drills.Submit(ctx, f, d.ID)
}

// round is a whole drill: prepared the day before, approved, sent over two hours, answered by its recipients, closed after a week.
func (r *rehearsal) round(ctx context.Context, w demoRound) error {
	start := calendar.Default().Next(r.now.AddDate(0, 0, -w.Day).Truncate(24 * time.Hour).Add(65 * time.Minute)) // 10:05 in Japan
	d, err := r.prepared(ctx, w, start.Add(-20*time.Hour), drill.Schedule{Start: start, Until: start.Add(2 * time.Hour)})
	if err != nil {
		return err
	}
	r.clock.Store(start.Add(-time.Hour).UnixMicro())
	if _, err = r.Drills.Approve(actor.With(ctx, r.admin), r.facility, d.ID, d.Hash); err != nil {
		return err
	}
	r.mails = map[string][]byte{}
	for at := start; !at.After(d.Schedule.Until); at = at.Add(15 * time.Minute) {
		r.clock.Store(at.UnixMicro())
		if err := r.send(ctx); err != nil {
			return err
		}
	}
	if err := r.answered(ctx, d, w); err != nil {
		return err
	}
	r.clock.Store(start.Add(8 * 24 * time.Hour).UnixMicro())
	if err := r.Drills.CloseDue(actor.With(ctx, kenshinItself), r.facility); err != nil {
		return err
	}
	return r.send(ctx)
}

var kenshinItself = actor.Actor{Kind: actor.System, ID: "kenshin", Name: "Kenshin"}

// send gives away what is due; each mail takes half a second of the story.
func (r *rehearsal) send(ctx context.Context) error {
	took := func(e relay.Envelope) {
		if _, ok := r.mails[e.To]; !ok && r.mails != nil {
			r.mails[e.To] = e.Body
		}
		r.clock.Add(int64(time.Second / 2 / time.Microsecond))
	}
	open := func(context.Context, facility.ID, drill.Settings) (drill.Line, error) {
		return drill.Nowhere{Took: took, Hurry: true}, nil
	}
	_, err := r.Drills.Send(actor.With(ctx, kenshinItself), r.facility, open, time.Now().Add(time.Minute))
	return err
}

// act is one thing that somebody or something does with a mail.
type act struct {
	at time.Time
	do func(ctx context.Context) error
}

// answered lets the recipients and the scanners do what they do, in the order of time.
func (r *rehearsal) answered(ctx context.Context, d drill.Drill, w demoRound) error {
	var all []act
	n := 0
	for _, dep := range r.words.Departments {
		for range dep.People {
			n++
			list, err := r.recipient(ctx, d, fmt.Sprintf("mihon-%03d@%s", n, r.words.Domain), dep.Fell*w.Fell, dep.Reported*w.Reported)
			if err != nil {
				return err
			}
			all = append(all, list...)
		}
	}
	for _, c := range r.words.Canaries {
		list, err := r.machine(ctx, d, c+"@"+r.words.Domain)
		if err != nil {
			return err
		}
		all = append(all, list...)
	}
	slices.SortStableFunc(all, func(a, b act) int { return a.at.Compare(b.at) })
	for _, a := range all {
		r.clock.Store(a.at.UnixMicro())
		if err := a.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// links finds what each link of a recipient's mail is for, as the mail itself does not tell.
func (r *rehearsal) links(ctx context.Context, to string) (links map[drill.Signal]string, target string, sent time.Time, err error) {
	m, err := intake.Read(r.mails[to], intake.Given{}, intake.Limits{})
	if err != nil {
		return nil, "", sent, err
	}
	links = map[drill.Signal]string{}
	for _, k := range m.Tokens {
		at, known, err := r.Drills.Peek(ctx, k.String())
		if err != nil {
			return nil, "", sent, err
		}
		if known {
			links[at.Of], target = k.String(), at.Target
		}
	}
	return links, target, m.At, nil
}

// minutes is how long people take: half of them less than the middle, some days.
func (r *rehearsal) minutes(middle float64) time.Duration {
	return time.Duration(min(math.Exp(math.Log(middle)+1.1*r.chance.NormFloat64()), 5*24*60) * float64(time.Minute))
}

// programs are what the hospital's people read mail with, and a browser.
var programs = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
}

func (r *rehearsal) recipient(ctx context.Context, d drill.Drill, to string, fell, reported float64) (out []act, err error) {
	opens, falls, reports, scanned := r.chance.Float64() < 0.6, r.chance.Float64() < fell, r.chance.Float64() < reported, r.chance.Float64() < 0.06
	wait, agent := r.minutes(35), programs[r.chance.IntN(len(programs))]
	if scanned {
		if out, err = r.machine(ctx, d, to); err != nil {
			return nil, err
		}
	}
	if !opens && !falls && !reports {
		return out, nil
	}
	links, target, sent, err := r.links(ctx, to)
	if err != nil {
		return nil, err
	}
	at := sent.Add(time.Minute + wait)
	if opens && links[drill.Opened] != "" {
		out = append(out, r.arrives(at, agent, links[drill.Opened], ""))
	}
	if falls {
		signal := drill.Visited
		if !d.Mail.Link {
			signal = drill.Attached
		}
		out = append(out, r.falls(at.Add(20*time.Second), agent, links[signal])...)
		reports = r.chance.Float64() < 0.2 // 「開いてしまった」
		at = at.Add(6 * time.Minute)
	}
	if reports {
		at = at.Add(r.minutes(6))
		out = append(out, act{at, func(ctx context.Context) error { return r.reports(ctx, d, to, target, falls) }})
	}
	return out, nil
}

// arrives is one request that a link brings.
func (r *rehearsal) arrives(at time.Time, agent, token string, s drill.Signal) act {
	a := drill.Arrival{Token: token, Signal: s, Method: "GET", Net: r.words.Egress.Addr(), Agent: agent}
	if s == drill.Confirm {
		a.Method = "POST"
	}
	return act{at, func(ctx context.Context) error {
		_, _, err := r.counter.Arrive(ctx, a)
		return err
	}}
}

// falls is somebody who follows a link, reads what it was, and mostly finishes the lesson.
func (r *rehearsal) falls(at time.Time, agent, token string) []act {
	out := []act{r.arrives(at, agent, token, "")}
	if r.chance.Float64() < 0.3 {
		out = append(out, r.arrives(at.Add(9*time.Second), agent, token, drill.Touched))
	}
	if r.chance.Float64() < 0.15 { // closes the page at once
		return out
	}
	out = append(out, r.arrives(at.Add(25*time.Second), agent, token, drill.Confirm))
	right := r.chance.IntN(3) // the question that is answered wrongly, if it is a later one than the first
	return append(out, act{at.Add(2 * time.Minute), func(ctx context.Context) error { return r.learns(ctx, agent, token, right) }})
}

// learns answers the three questions of a lesson.
func (r *rehearsal) learns(ctx context.Context, agent, token string, wrong int) error {
	at, known, err := r.Drills.Peek(ctx, token)
	if err != nil || !known {
		return err
	}
	scene, err := r.Drills.Scene(ctx, at)
	if err != nil {
		return err
	}
	for q, ask := range scene.Set.Questions {
		o := ask.Right
		if q == wrong && q > 0 {
			o = (o + 1) % len(ask.Options)
		}
		r.clock.Add(int64(20 * time.Second / time.Microsecond))
		if _, _, err := r.counter.Arrive(ctx, drill.Arrival{Token: token, Signal: drill.Answered, Method: "POST", Net: r.words.Egress.Addr(), Agent: agent, Detail: drill.Answer(q, o)}); err != nil {
			return err
		}
	}
	_, err = r.Drills.FinishLesson(ctx, at, scene.Set)
	return err
}

// machine is a mail filter that follows what stands in a mail as soon as it comes.
func (r *rehearsal) machine(ctx context.Context, _ drill.Drill, to string) (out []act, err error) {
	links, _, sent, err := r.links(ctx, to)
	if err != nil {
		return nil, err
	}
	for _, s := range []drill.Signal{drill.Opened, drill.Honeypot, drill.Visited} {
		if links[s] != "" {
			a := drill.Arrival{Token: links[s], Method: "GET", Net: r.words.Scanner, Agent: "Mozilla/5.0 (compatible; MihonMailScan/1.0)"}
			out = append(out, act{sent.Add(3 * time.Second), func(ctx context.Context) error {
				_, _, err := r.counter.Arrive(ctx, a)
				return err
			}})
		}
	}
	return out, nil
}

// reports is somebody who forwards the mail, or telephones.
func (r *rehearsal) reports(ctx context.Context, d drill.Drill, to, target string, opened bool) error {
	if r.chance.Float64() < 0.15 {
		_, err := r.Drills.ReportByPhone(actor.With(ctx, r.trainer), r.facility, d.ID, target, "", opened)
		return err
	}
	note := "不審なメールが届いたので転送します。"
	if opened {
		note = "リンクを開いてしまいました。どうすればよいでしょうか。"
	}
	return r.forwards(ctx, to, note, r.mails[to])
}

func (r *rehearsal) forwards(ctx context.Context, from, note string, mail []byte) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nSubject: Fwd: =?UTF-8?B?5ZWP44GE5ZCI44KP44Gb?=\r\nDate: %s\r\nMessage-ID: <%s@%s>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=mihon\r\n\r\n",
		from, r.words.ReportTo, r.Now().Format(time.RFC1123Z), rand.Text(), r.words.Domain)
	fmt.Fprintf(&b, "--mihon\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n--mihon\r\nContent-Type: message/rfc822\r\n\r\n%s\r\n--mihon--\r\n", note, mail)
	_, err := r.Drills.TakeReport(actor.With(ctx, kenshinItself), r.facility, b.Bytes(), drill.Envelope{Via: drill.ViaSMTP, From: from, To: r.words.ReportTo, At: r.Now()})
	return err
}

// stranger is a mail that no drill sent: some staff report it, and the one who looks after reports answers the first.
func (r *rehearsal) stranger(ctx context.Context) error {
	w := r.words.Stranger
	mail := []byte("From: " + w.From + "\r\nSubject: " + w.Subject + "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + w.Text)
	for i, day := range w.Days {
		r.ago(day)
		r.clock.Add(int64(i) * int64(7*time.Minute/time.Microsecond))
		if err := r.forwards(ctx, fmt.Sprintf("mihon-%03d@%s", 12+31*i, r.words.Domain), "本物の不審なメールかもしれません。確認をお願いします。", mail); err != nil {
			return err
		}
	}
	list, err := r.Drills.Reports(ctx, r.facility, drill.ReportFilter{})
	if err != nil {
		return err
	}
	r.ago(w.Days[0])
	r.clock.Add(int64(2 * time.Hour / time.Microsecond))
	for _, in := range slices.Backward(list.Reports) {
		if in.Kind == drill.ReportReal {
			_, err := r.Drills.Answer(actor.With(ctx, r.admin), r.facility, in.ID, drill.Dangerous, "")
			return err
		}
	}
	return nil
}
