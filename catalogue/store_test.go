package catalogue_test

import (
	"strings"
	"testing"

	"kenshin/catalogue"
	"kenshin/fault"
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
		if all, err := e.Loaded(ctx); err != nil || len(all) != 2 || all[0].Name != "r8.yaml" {
			t.Errorf("%+v %v", all, err)
		}
	})
}
