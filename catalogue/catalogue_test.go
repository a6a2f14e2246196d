package catalogue_test

import (
	"testing"

	"kenshin/catalogue"
)

func embedded(t testing.TB) catalogue.Set {
	t.Helper()
	s, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEmbeddedCataloguesLoad(t *testing.T) {
	for _, c := range embedded(t).All() {
		t.Log(c.ID, len(c.Items), c.Standing())
	}
}
