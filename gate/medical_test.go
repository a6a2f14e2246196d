package gate

import (
	"os"
	"strings"
	"testing"

	"kenshin/netid"
)

func TestMedicalMaker(t *testing.T) {
	for org, want := range map[string]bool{
		"Hitachi Aloka Medical, Ltd.": true, "FUKUDA DENSHI CO., LTD.": true, "Philips Patient Monitoring": true, "GE Healthcare": true,
		"Drägerwerk AG & Co. KG aA": true, "B.Braun Melsungen AG": true, "Siemens Healthcare Diagnostics, Inc": true, "FUJIFILM Corporation": true,
		"Shanghai Anything Medical Systems": true, "ＳＹＳＭＥＸ Corporation": true, "Nipro Diagnostics, Inc": true, "OLYMPUS CORPORATION": true,
		"KONICA MINOLTA HOLDINGS, INC.": false, "FUJIFILM Business Innovation Corp.": false, "Nipron Co.,Ltd": false, "CANON INC.": false,
		"Philips Lighting BV": false, "GE Lighting": false, "Siemens AG": false, "OMRON Corporation": false, "Dell Inc.": false, "": false,
		"Philips Oral Healthcare, Inc.": false, "FUJITSU LIMITED": false, "TALARIS SYSTEMS, INC.": false, "Buffalo.Inc": false,
	} {
		why, ok := MedicalMaker(org)
		if ok != want || ok != (why != "" && strings.Contains(why, org)) {
			t.Errorf("MedicalMaker(%q) = %q, %v", org, why, ok)
		}
	}
	if kind, modality := MedicalMakerKind("Hitachi Aloka Medical, Ltd."); kind != "modality" || modality != "us" {
		t.Errorf("ultrasound: %q %q", kind, modality)
	}
}

// TestMedicalMakersHaveSources holds the catalogue against the registry that it names.
func TestMedicalMakersHaveSources(t *testing.T) {
	all, err := loadMedicalMakers()
	if err != nil || len(all.Makers) < 80 || all.Edition == "" || all.Source == "" {
		t.Fatalf("the catalogue: %v", err)
	}
	if _, err := os.Stat(netid.MakerFiles()[0]); err != nil {
		t.Skip("ieee-data is not installed")
	}
	registry, err := netid.LoadMakers(netid.MakerFiles()...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all.Makers {
		m := &all.Makers[i]
		if m.Modality != "" && m.Kind != "modality" {
			t.Errorf("%s: a modality without its kind", m.Maker)
		}
		for _, s := range m.Source {
			mac, err := netid.ParseMAC((s + "000000")[:12])
			if err != nil {
				t.Errorf("%s: source %q: %v", m.Maker, s, err)
				continue
			}
			if org, _ := registry.Lookup(mac); org == "" || !beginsWithAny(fold(org), m.Names) {
				t.Errorf("%s: assignment %s belongs to %q", m.Maker, s, org)
			}
		}
	}
}
