package catalogue_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kenshin/catalogue"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// Next year's edition, a correction of it, and the pack that was made in between.
func TestEditionsAreLoadedAndNeverLost(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, e := t.Context(), catalogue.NewEditions(db)
		newest := func() catalogue.Catalogue {
			t.Helper()
			s, err := e.Set(ctx)
			if err != nil {
				t.Fatal(err)
			}
			c, _ := s.Newest(catalogue.Checklist, catalogue.FacilityForm)
			return c
		}
		if newest().Edition != "R7" {
			t.Fatal("not what the product brings")
		}
		first, err := e.Load(ctx, "r8.yaml", strings.NewReader(small))
		if err != nil {
			t.Fatal(err)
		}
		if c := newest(); c.Edition != "R8" || c.SHA256 != first.SHA256 {
			t.Errorf("in force is %s", c.Edition)
		}
		corrected := strings.Replace(small, "責任者を置いている。", "責任者を任命している。", 1)
		if _, err := e.Load(ctx, "r8b.yaml", strings.NewReader(corrected)); err != nil {
			t.Fatal(err)
		}
		if c := newest(); c.Items[0].Title.Ja != "責任者を任命している。" {
			t.Errorf("the correction is not in force: %s", c.Items[0].Title.Ja)
		}
		if old, err := e.Version(ctx, first.ID, first.SHA256); err != nil || old.Items[0].Title.Ja != "責任者を置いている。" {
			t.Errorf("the text of the pack is gone: %v", err)
		}
		r7, _ := embedded(t).Find("checklist-r7-facility")
		if c, err := e.Version(ctx, r7.ID, r7.SHA256); err != nil || len(c.Items) != 19 {
			t.Errorf("the product's own text: %v", err)
		}
		if _, err := e.Version(ctx, first.ID, "00"); fault.KindOf(err) != fault.NotFound {
			t.Errorf("a digest of nothing: %v", err)
		}

		for name, bad := range map[string]string{"lineage": strings.Replace(small, "from: [r7.1.1]", "from: [r7.9.9]", 1), "number": strings.Replace(small, "    source: 告示\n", "", 1)} {
			if _, err := e.Load(ctx, "bad.yaml", strings.NewReader(bad)); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s was taken: %v", name, err)
			}
		}
		if _, err := e.Load(ctx, "r8.yaml", strings.NewReader(small)); err != nil {
			t.Fatal(err)
		}
		if c := newest(); c.SHA256 != first.SHA256 {
			t.Error("the first text, loaded again, is not in force again")
		}
		if all, err := e.Loaded(ctx, ""); err != nil || len(all) != 3 || all[0].Name != "r8.yaml" {
			t.Errorf("%+v %v", all, err)
		}
	})
}

// Two people load at the same moment: both are kept, one after the other.
func TestTwoLoadAtTheSameMoment(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		const people = 4
		ctx, e := t.Context(), catalogue.NewEditions(db)
		start, done := make(chan struct{}), make(chan error, people)
		for n := range people {
			text := strings.Replace(small, "試験用です。", fmt.Sprintf("%d人目の試験用です。", n+1), 1)
			go func() {
				<-start
				_, err := e.Load(ctx, fmt.Sprintf("r8-%d.yaml", n), strings.NewReader(text))
				done <- err
			}()
		}
		close(start)
		for range people {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if all, err := e.Loaded(ctx, ""); err != nil || len(all) != people {
			t.Errorf("%d of %d are kept: %v", len(all), people, err)
		}
	})
}

// A text marked 要確認 is confirmed on the screen: the item's own words change, everything else of the file stays, and the old version can come back.
func TestATextIsCorrectedOnTheScreen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, e := t.Context(), catalogue.NewEditions(db)
		find := func() catalogue.Catalogue {
			t.Helper()
			s, err := e.Set(ctx)
			if err != nil {
				t.Fatal(err)
			}
			c, _ := s.Find("checklist-r7-facility")
			return c
		}
		before := find()
		seen := before.Items[2]
		a := seen.Amended()
		a.Title = i18n.Text{Ja: "公式の文：髙﨑①㈱ #1", En: "official: as seen"}
		a.Wording, a.Numbering, a.Source = catalogue.Official, catalogue.Official, "厚生労働省 2025-05 の表紙の裏"
		f, err := e.Amend(ctx, before.ID, before.SHA256, seen.ID, a)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Keep(ctx, f); err != nil {
			t.Fatal(err)
		}
		now := find()
		if got, _ := now.Item(seen.ID); got.Amended() != a || got.Standing() != catalogue.Confirmed {
			t.Errorf("%+v", got)
		}
		for n, i := range now.Items {
			if old := before.Items[n]; i.ID != seen.ID && (i.Title != old.Title || i.Plain != old.Plain || i.Number != old.Number || i.Wording != old.Wording || !slices.Equal(i.From, old.From)) {
				t.Errorf("%s changed too", i.ID)
			}
		}
		if raw := string(f.Raw()); strings.Count(raw, "#") < 2 {
			t.Error("the comments of the file are gone")
		}
		if _, err := e.Amend(ctx, before.ID, before.SHA256, seen.ID, a); fault.KindOf(err) != fault.Conflict {
			t.Errorf("two people at once: %v", err)
		}
		a.Source = ""
		if _, err := e.Amend(ctx, before.ID, now.SHA256, seen.ID, a); fault.KindOf(err) != fault.Invalid {
			t.Errorf("official without a source: %v", err)
		}
		back, err := e.File(ctx, before.ID, before.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Keep(ctx, back); err != nil || find().SHA256 != before.SHA256 {
			t.Errorf("the product's own text is not in force again: %v", err)
		}
		if all, err := e.Loaded(ctx, before.ID); err != nil || len(all) != 2 || all[1].Note == "" {
			t.Errorf("%+v %v", all, err)
		}
	})
}

// An edition that came before a correction of the one that it stands on still fits.
func TestAnOlderEditionIsCorrectedLater(t *testing.T) {
	db := dbtest.SQLite(t)
	ctx, e := t.Context(), catalogue.NewEditions(db)
	for _, text := range []string{small, nextYear(small), strings.Replace(small, "責任者を置いている。", "責任者を任命している。", 1)} {
		if _, err := e.Load(ctx, "x.yaml", strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := catalogue.NewEditions(db).Set(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if c, _ := s.Newest(catalogue.Checklist, catalogue.FacilityForm); c.Edition != "R9" {
		t.Errorf("in force is %s", c.Edition)
	}
}

func nextYear(text string) string {
	return strings.NewReplacer("checklist-r8", "checklist-r9", "checklist-r7", "checklist-r8", "edition: R8", "edition: R9", "2026", "2027", "令和8年5月15日", "令和9年5月15日",
		"r8.1", "r9.1", "from: [r7.1.1]", "from: [r8.1.1]").Replace(text)
}
