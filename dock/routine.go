package dock

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/setting"
	"kenshin/store"
)

// soon is how long before the day people are told of it.
const soon = 30

// Routine is when the yearly check-up is made, and who sees to it.
type Routine struct {
	Month     int            `json:"month"` // 1 to 12; 0: nobody has chosen yet
	Day       int            `json:"day"`
	Owner     actor.PersonID `json:"owner,omitempty"` // "" is every administrator
	OwnerName string         `json:"owner_name,omitempty"`
}

func (r Routine) check() error {
	if r == (Routine{}) {
		return nil
	}
	at := time.Date(2024, time.Month(r.Month), r.Day, 0, 0, 0, 0, time.UTC) // a leap year: 29 February may be chosen
	if r.Month < 1 || r.Month > 12 || r.Day < 1 || at.Day() != r.Day {
		return fault.New(fault.Invalid, "その日付はありません。月は1〜12、日はその月にある日にしてください。", "There is no such day: give a month from 1 to 12 and a day that it has.")
	}
	return nil
}

// in is the day of a fiscal year, which begins in April; 29 February is the 28th where there is none.
func (r Routine) in(fiscal int, zone *time.Location) time.Time {
	year := fiscal
	if r.Month < 4 {
		year++
	}
	last := time.Date(year, time.Month(r.Month)+1, 0, 0, 0, 0, 0, zone).Day()
	return time.Date(year, time.Month(r.Month), min(r.Day, last), 0, 0, 0, 0, zone)
}

func routineKey() setting.Key[Routine] {
	return setting.Key[Routine]{Name: "dock.routine", Title: i18n.Text{Ja: "年次健診の日", En: "Day of the yearly check-up"}, Check: Routine.check}
}

// told is what was mailed last.
type told struct {
	Year int  `json:"year"` // fiscal year
	What Told `json:"what"`
}

func toldKey() setting.Key[told] { return setting.Key[told]{Name: "dock.told"} }

// Told is which reminder went out.
type Told string

const (
	ToldSoon Told = "soon" // the day comes
	ToldLate Told = "late" // the day is over
)

// Standing is where this year's check-up stands.
type Standing struct {
	Routine
	Year    int       // fiscal year
	Due     time.Time // zero while nobody has chosen a day
	Done    *Entry    // the newest dock of this fiscal year
	Remind  Told      // what somebody has to be told now; "" nothing
	already told
}

// Overdue reports that the day has passed without a check-up.
func (s *Standing) Overdue() bool { return s.Remind == ToldLate }

// Standing says where this year's check-up stands.
func (b *Book) Standing(ctx context.Context, f facility.ID) (s Standing, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		s, err = b.standing(ctx, tx)
		return err
	})
	return s, err
}

func (b *Book) standing(ctx context.Context, tx *store.Tx) (s Standing, err error) {
	fac, err := b.Houses.Facility(ctx, tx.Facility())
	if err != nil {
		return s, err
	}
	now := b.Now().In(fac.Location())
	s.Year = jp.FiscalYear(now)
	if s.Routine, err = routineKey().Get(ctx, tx); err != nil {
		return s, err
	}
	if s.already, err = toldKey().Get(ctx, tx); err != nil {
		return s, err
	}
	from := time.Date(s.Year, time.April, 1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	e, err := scanEntry(tx.Row(ctx, "SELECT "+entryColumns+fromDocks+" AND d.day >= $2 ORDER BY d.number DESC LIMIT 1", from))
	switch err = unlessNone(err); {
	case err != nil:
		return s, err
	case e.ID != "":
		s.Done = &e
	}
	if s.Month == 0 {
		return s, nil
	}
	s.Due = s.in(s.Year, fac.Location())
	switch {
	case s.Done != nil:
	case !now.Before(s.Due.AddDate(0, 0, 1)):
		s.Remind = ToldLate
	case !now.Before(s.Due.AddDate(0, 0, -soon)):
		s.Remind = ToldSoon
	}
	return s, nil
}

// SetRoutine chooses the day of the yearly check-up.
func (b *Book) SetRoutine(ctx context.Context, f facility.ID, r Routine) error {
	if r.Month == 0 {
		r = Routine{}
	}
	if err := r.check(); err != nil {
		return err
	}
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		before, err := routineKey().Set(ctx, tx, r)
		if err != nil {
			return err
		}
		if before.Month != r.Month || before.Day != r.Day { // another day: people are told anew
			if _, err := toldKey().Set(ctx, tx, told{}); err != nil {
				return err
			}
		}
		return b.note(ctx, tx, "dock.routine", "", i18n.Text{Ja: fmt.Sprintf("年次健診の日を%d月%d日にしました", r.Month, r.Day), En: fmt.Sprintf("Set the day of the yearly check-up to %d/%d", r.Month, r.Day)}, r)
	})
}

// Reminder is what somebody should be told.
type Reminder struct {
	Year    int
	What    Told
	Owner   actor.PersonID // "" is every administrator
	Subject i18n.Text
	Text    i18n.Text
}

// Remind gives what is to be told now to send, in one transaction with the note that it was told: each reminder goes out once.
func (b *Book) Remind(ctx context.Context, f facility.ID, send func(context.Context, *store.Tx, Reminder) error) error {
	fac, err := b.Houses.Facility(ctx, f)
	if err != nil {
		return err
	}
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		s, err := b.standing(ctx, tx)
		if err != nil || s.Remind == "" || s.already == (told{s.Year, s.Remind}) || s.already == (told{s.Year, ToldLate}) {
			return err
		}
		if err := send(ctx, tx, s.words(fac.Name)); err != nil {
			return err
		}
		_, err = toldKey().Set(ctx, tx, told{s.Year, s.Remind})
		return err
	})
}

func (s *Standing) words(house string) Reminder {
	day := jp.Wareki(s.Due)
	r := Reminder{Year: s.Year, What: s.Remind, Owner: s.Owner, Subject: i18n.Text{Ja: "年次健診の日が近づきました（" + day + "） " + house, En: "The yearly check-up comes up (" + s.Due.Format(time.DateOnly) + "), " + house},
		Text: i18n.Text{Ja: day + "は、ネットワークの年次健診の日です。\n\nKenshinの「年次健診」を開くと、今年することが順に並んでいます。\n点検表に答え、食い違いを直し、その日に「確定する」を押してください。\n",
			En: "The yearly check-up is due on " + s.Due.Format(time.DateOnly) + ".\n\nOpen Yearly check-up: the steps of this year stand there in order.\n"}}
	if s.Remind == ToldLate {
		r.Subject = i18n.Text{Ja: "年次健診の日が過ぎました（" + day + "） " + house, En: "The yearly check-up is overdue (" + s.Due.Format(time.DateOnly) + "), " + house}
		r.Text = i18n.Text{Ja: day + "の年次健診が、まだ確定されていません。\n\nKenshinの「年次健診」を開き、残っている手順を終えて「確定する」を押してください。日を変えることもできます。\n",
			En: "The yearly check-up of " + s.Due.Format(time.DateOnly) + " was not frozen yet.\n\nOpen Yearly check-up, finish the steps that are left and freeze it, or choose another day.\n"}
	}
	return r
}

func unlessNone(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}
