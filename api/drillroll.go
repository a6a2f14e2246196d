package api

import (
	"context"
	"time"

	"kenshin/drill"
	"kenshin/facility"
	"kenshin/i18n"
)

func (s *server) closeDrill(ctx context.Context, f facility.ID, in *ByID) error {
	return s.Drills.Close(ctx, f, in.ID)
}

// RollEntry is one lesson that somebody finished.
type RollEntry struct {
	ID         string    `json:"id"`
	Name       string    `json:"name,omitempty" doc:"Empty once the drill's names are forgotten."`
	Department string    `json:"department,omitempty"`
	Lesson     string    `json:"lesson"`
	Title      string    `json:"title"`
	At         time.Time `json:"at"`
	Score      int       `json:"score"`
	Questions  int       `json:"questions"`
	Drill      string    `json:"drill,omitempty"`
}

var rollColumns = []col[RollEntry]{
	{"name", func(v *RollEntry) any { return v.Name }}, {"department", func(v *RollEntry) any { return v.Department }}, {"title", func(v *RollEntry) any { return v.Title }},
	{"at", func(v *RollEntry) any { return v.At }}, {"score", func(v *RollEntry) any { return v.Score }}, {"questions", func(v *RollEntry) any { return v.Questions }},
}

type listRoll struct {
	Paging
	Department string `query:"department" maxLength:"200"`
}

func (s *server) listRoll(ctx context.Context, f facility.ID, in *listRoll) (Page[RollEntry], error) {
	list, next, err := s.Drills.Roll(ctx, f, drill.RollFilter{Department: in.Department, After: in.Cursor, Limit: in.Limit})
	items := make([]RollEntry, len(list))
	for i, e := range list {
		items[i] = RollEntry{ID: e.ID, Name: e.Name, Department: e.Department, Lesson: e.Lesson, Title: e.Title.For(ctx), At: e.At, Score: e.Score, Questions: e.Questions, Drill: e.Drill}
	}
	return page(items, next), err
}

// DrillCoverage is how many people finished a lesson in a fiscal year.
type DrillCoverage struct {
	Year        int             `json:"year" doc:"The year in which the fiscal year began, in April."`
	All         CoverageCount   `json:"all"`
	Departments []CoverageCount `json:"departments" nullable:"false" doc:"Departments of five people and more; smaller ones are put together."`
}

// CoverageCount is one department's, or the whole hospital's.
type CoverageCount struct {
	Department string `json:"department,omitempty"`
	Done       int    `json:"done"`
	Of         int    `json:"of"`
	AtLeast    bool   `json:"at_least,omitempty" doc:"Names of the year are forgotten already: it may be more people."`
}

type getCoverage struct {
	Year int `query:"year" minimum:"0" maximum:"9999" doc:"0 is the present fiscal year."`
}

func (s *server) getCoverage(ctx context.Context, f facility.ID, in *getCoverage) (out DrillCoverage, err error) {
	out = DrillCoverage{Year: in.Year, Departments: []CoverageCount{}}
	if out.Year == 0 {
		if out.Year, err = s.Drills.FiscalYear(ctx, f); err != nil {
			return out, err
		}
	}
	all, by, err := s.Drills.Covered(ctx, f, out.Year)
	out.All = CoverageCount(all)
	for _, c := range drill.Fold(by, i18n.T(ctx, "その他", "others")) {
		out.Departments = append(out.Departments, CoverageCount(c))
	}
	return out, err
}

// DrillReceived is how many of those whom a notice or a lesson reached have read or finished it.
type DrillReceived struct {
	All         CoverageCount   `json:"all"`
	Departments []CoverageCount `json:"departments" nullable:"false" doc:"Departments of five people and more; smaller ones are put together."`
}

func (s *server) getReceived(ctx context.Context, f facility.ID, in *ByID) (DrillReceived, error) {
	if _, err := s.Drills.Get(ctx, f, in.ID); err != nil {
		return DrillReceived{}, err
	}
	all, by, err := s.Drills.Received(ctx, f, in.ID)
	out := DrillReceived{All: CoverageCount(all), Departments: []CoverageCount{}}
	for _, c := range drill.Fold(by, i18n.T(ctx, "その他", "others")) {
		out.Departments = append(out.Departments, CoverageCount(c))
	}
	return out, err
}

type addReleases struct {
	ByID
	Body struct {
		CSV string `json:"csv" maxLength:"900000" doc:"A table whose rows have a mail address and a time, in any columns."`
	}
}

// ReleasesRead says what a list of releases changed.
type ReleasesRead struct {
	Added    int           `json:"added"`
	Known    int           `json:"known" doc:"Rows that were read before."`
	Rejected []ReleaseLine `json:"rejected" nullable:"false"`
}

// ReleaseLine is a row that was not taken.
type ReleaseLine struct {
	Line int    `json:"line"`
	Why  string `json:"why"`
}

func (s *server) addReleases(ctx context.Context, f facility.ID, in *addReleases) (ReleasesRead, error) {
	read, err := s.Drills.ImportReleases(ctx, f, in.ID, "releases.csv", []byte(in.Body.CSV))
	out := ReleasesRead{Added: read.Added, Known: read.Known, Rejected: []ReleaseLine{}}
	for _, r := range read.Rejected {
		out.Rejected = append(out.Rejected, ReleaseLine{r.Line, r.Why.For(ctx)})
	}
	return out, err
}
