package page

import (
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"kenshin/i18n"
	"kenshin/ledger"
)

// System is one 電子カルテ, PACS, 検査 and so on.
type System struct {
	ID         string
	Name       string
	Kind       string // as the hospital calls it
	Department string
	Vendor     string
	VendorID   string
	Hosting    string // onsite, cloud, both
	Data       string // what patient data it holds
	Impact     ledger.Impact
	Start      string // since when it runs: 2026-11-21, 2026-11 or 2026
	Notes      string
	Devices    int
	Findings   int
	Revision   int64
}

// SystemsView lists systems.
type SystemsView struct {
	Rows []System
}

// SystemsPage is the list of systems.
func SystemsPage(s Shell, v SystemsView) templ.Component {
	return within(s, SectionSystems, i18n.Text{Ja: "システム", En: "Systems"}, systems(v))
}

// SystemView is one system with its devices.
type SystemView struct {
	System
	Members []*ledger.Device
	Card    *VendorCard
	Files   Files
	History []Change
}

// SystemPage shows one system.
func SystemPage(s Shell, v SystemView) templ.Component {
	return within(s, SectionSystems, i18n.Text{Ja: v.Name, En: v.Name}, system(v))
}

// SystemForm edits a system. POST PathSystemNew or SystemPath(id, "edit"): name, kind, department, vendor_id, hosting, data, impact, start, notes,
// device (many), revision.
type SystemForm struct {
	System
	Departments []string
	Vendors     []Option
	Devices     []Option // that can belong to it
	Chosen      []string
	Errors      Errors
}

// SystemEditPage edits one system; ID "" makes one.
func SystemEditPage(s Shell, v SystemForm) templ.Component {
	return within(s, SectionSystems, i18n.Text{Ja: "システム", En: "System"}, systemEdit(v))
}

// ReadSystem reads the form of SystemEditPage.
func ReadSystem(v url.Values) System {
	g := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	return System{Name: g("name"), Kind: g("kind"), Department: g("department"), VendorID: g("vendor_id"), Hosting: g("hosting"),
		Data: g("data"), Impact: ledger.Impact(g("impact")), Notes: g("notes"), Start: g("start")}
}

// Hosting is how screens call where a system runs.
func Hosting(h string) i18n.Text {
	switch h {
	case "onsite":
		return i18n.Text{Ja: "院内のサーバ", En: "On site"}
	case "cloud":
		return i18n.Text{Ja: "クラウド(院外)", En: "Cloud"}
	case "both":
		return i18n.Text{Ja: "院内とクラウド", En: "Both"}
	}
	return i18n.Text{Ja: "未記入", En: "Not said"}
}

// Vendor is a firm that the hospital calls.
type Vendor struct {
	ID       string
	Name     string
	Contacts []Contact
	Contract string // what it covers
	From     string // dates as in ledger.Word
	Until    string
	Over     bool   // Until has passed
	Remote   string // notes on the contract, such as the way of remote maintenance
	Notes    string
	Devices  int
	Systems  int
	Revision int64
}

// Contact is a person or a desk of a vendor.
type Contact struct {
	Name, Role, Phone, Email, Hours string
}

// VendorsView lists vendors.
type VendorsView struct {
	Rows []Vendor
}

// VendorsPage is the list of vendors.
func VendorsPage(s Shell, v VendorsView) templ.Component {
	return within(s, SectionVendors, i18n.Text{Ja: "業者", En: "Vendors"}, vendors(v))
}

// VendorView is one vendor with what it looks after.
type VendorView struct {
	Vendor
	Members     []*ledger.Device
	SystemLinks []Link
	Files       Files
	History     []Change
}

// VendorPage shows one vendor.
func VendorPage(s Shell, v VendorView) templ.Component {
	return within(s, SectionVendors, i18n.Text{Ja: v.Name, En: v.Name}, vendor(v))
}

// VendorForm edits a vendor. POST PathVendorNew or VendorPath(id, "edit"): name, contract, from, until, remote, notes, revision, and for each
// contact row contact_name, contact_role, phone, email, hours (repeated; an empty row is left out).
type VendorForm struct {
	Vendor
	Errors Errors
}

// VendorEditPage edits one vendor; ID "" makes one.
func VendorEditPage(s Shell, v VendorForm) templ.Component {
	return within(s, SectionVendors, i18n.Text{Ja: "業者", En: "Vendor"}, vendorEdit(v))
}

// ReadVendor reads the form of VendorEditPage.
func ReadVendor(v url.Values) Vendor {
	g := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	out := Vendor{Name: g("name"), Contract: g("contract"), From: g("from"), Until: g("until"), Remote: g("remote"), Notes: g("notes")}
	cell := func(name string, i int) string {
		if all := v[name]; i < len(all) {
			return strings.TrimSpace(all[i])
		}
		return ""
	}
	for i := range min(len(v["contact_name"]), 20) {
		c := Contact{Name: cell("contact_name", i), Role: cell("contact_role", i), Phone: cell("phone", i), Email: cell("email", i), Hours: cell("hours", i)}
		if c != (Contact{}) {
			out.Contacts = append(out.Contacts, c)
		}
	}
	return out
}

// rows are the contacts with two empty ones to fill in.
func (v VendorForm) rows() []Contact {
	return append(append([]Contact{}, v.Contacts...), Contact{}, Contact{})[:max(2, len(v.Contacts)+1)]
}

func (v Vendor) firstContact() Contact {
	if len(v.Contacts) > 0 {
		return v.Contacts[0]
	}
	return Contact{}
}

func recordAction(fresh, edit, id string) string {
	if id == "" {
		return fresh
	}
	return edit
}
