package account

import (
	"strings"
	"testing"

	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

func TestPasswordRule(t *testing.T) {
	words := []string{"tanaka.taro@minato.example", "田中 太郎", "たなか たろう", "みなと病院"}
	for p, ok := range map[string]bool{
		goodPassword:                   true,
		"correct horse battery staple": true,
		"夕焼けの丘で三毛猫があくびした":              true,
		"short":                      false,
		"twelve chars":               false,
		"tanaka.taro@minato.example": false,
		"tanakataro2026":             false,
		"みなと病院みなと病院みなと": false,
		"password12345":                     false,
		"P@ssw0rd!2026!":                    false,
		"aaaaaaaaaaaaaaaa":                  false,
		"qwertyuiopasdf":                    false,
		"1234567890123456":                  false,
		"1qaz2wsx3edc4rfv":                  false,
		"ｐａｓｓｗｏｒｄ１２３４５":                     false,
		strings.Repeat("kx9", 50):           false,
		"kirin\x00tokei-mado-yuki":          false,
		"administratorhospital":             false,
		"reiwa8nen-gogatsu-no-ame-ga-futta": true,
	} {
		err := CheckPassword(p, 0, words...)
		if (err == nil) != ok {
			t.Errorf("%q: %v", p, err)
		}
	}
	if err := CheckPassword(goodPassword, 40); !fault.Is(err, fault.Invalid) {
		t.Errorf("facility wants 40: %v", err)
	}
}

func TestPasswordsAreHashedAgainWhenTheCostChanges(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := setUp(t, db)
		stored := func() string {
			_, phc, err := r.personByEmail(t.Context(), "admin@minato.example")
			must(t, err)
			return phc
		}
		before := stored()
		r.signIn("admin@minato.example", goodPassword)
		if stored() != before {
			t.Error("hashed again for nothing")
		}
		r.o.Cost = Cost{Memory: 128, Passes: 2, Threads: 1}
		r.signIn("admin@minato.example", goodPassword)
		if after := stored(); !strings.Contains(after, "m=128,t=2,p=1") {
			t.Errorf("not hashed again: %s", after)
		}
		r.signIn("admin@minato.example", goodPassword)
		if strings.Contains(stored(), goodPassword) {
			t.Error("readable")
		}
	})
}
