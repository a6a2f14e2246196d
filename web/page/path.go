package page

import (
	"net/url"
	"strconv"

	"kenshin/netid"
)

// Addresses of the console. A page that posts names its address and fields beside the form's component; every POST answers with a redirect (303)
// or, when something is wrong with the form, with the same page and its Errors. Live parts are fetched by htmx each second and
// answer with the part alone.
const (
	PathHome          = "/"
	PathSetup         = "/setup"           // GET, POST; steps in Setup
	PathSetupDone     = "/setup/done"      // GET: recovery codes, once
	PathSignIn        = "/signin"          // GET, POST: email, password
	PathSecond        = "/signin/second"   // GET, POST: code
	PathRecovery      = "/signin/recovery" // GET, POST: code
	PathPasskeyGet    = "/signin/passkey/options"
	PathPasskeyVerify = "/signin/passkey/verify"
	PathSignOut       = "/signout"  // POST
	PathLanguage      = "/language" // POST: lang, back
	PathFacility      = "/facility" // POST: facility, back
	PathKill          = "/kill"     // POST: on (true|false), reason, back

	PathLedger        = "/devices"        // GET, LedgerQuery
	PathLedgerBulk    = "/devices/bulk"   // POST: id (many), do (state|department|impact|vendor), value fields, back
	PathLedgerExport  = "/devices/export" // GET: format (xlsx|csv|json), and LedgerQuery
	PathLedgerPrint   = "/devices/print"  // GET, LedgerQuery: all devices on A4
	PathDeviceNew     = "/devices/new"    // GET, POST: DeviceForm's fields
	PathImport        = "/import"         // GET, POST: file
	PathSystems       = "/systems"
	PathSystemNew     = "/systems/new"
	PathVendors       = "/vendors"
	PathVendorNew     = "/vendors/new"
	PathFindings      = "/findings"        // GET, FindingQuery
	PathFindingBulk   = "/findings/bulk"   // POST: id (many), owner, due, back
	PathFindingExport = "/findings/export" // GET, FindingQuery: CSV
	PathRisks         = "/risks"           // yearly sheets: see PlanPathOf
	PathAudits        = "/audits"
	PathBudget        = "/budget"
	PathWeekly        = "/settings/weekly" // POST: weekly, weekday, hour
	PathSweeps        = "/sweeps"          // GET, POST: segment (many), only
	PathSegments      = "/segments"
	PathSegmentNew    = "/segments/new" // GET, POST: SegmentForm's fields
	PathFrames        = "/segments/sent"
	PathJobs          = "/jobs"
	PathTrail         = "/trail"            // GET: who, what, from, to, before
	PathTrailVerify   = "/trail/verify"     // POST: checkpoint (text), file
	PathTrailSeals    = "/trail/seals"      // GET: the daily checkpoints, to print
	PathTrailExport   = "/trail/export"     // GET: format (csv|ndjson)
	PathCheckpoint    = "/trail/checkpoint" // GET: the signed note as a file
	PathPeople        = "/people"
	PathInvite        = "/people/invite"   // POST: email, role, until
	PathTokens        = "/people/tokens"   // POST: token-name, token-role, token-until
	PathMe            = "/me"              // GET: my sessions, passkeys, password
	PathMePassword    = "/me/password"     // POST: old, password, again
	PathMeTOTP        = "/me/totp"         // GET: begins to set a code app up; POST: code
	PathMeTOTPRemove  = "/me/totp/remove"  // POST
	PathMeCodes       = "/me/codes"        // POST: new recovery codes
	PathMeProfile     = "/me/profile"      // POST: name, reading
	PathMeSignOutAll  = "/me/sessions/end" // POST: all but this one
	PathMePasskey     = "/me/passkey/options"
	PathMePasskeyOK   = "/me/passkey/verify"
	PathSettings      = "/settings"
	PathMail          = "/settings/mail"      // POST: host, port, security, user, mail-password, mail-from, mail-to
	PathMailTest      = "/settings/mail/test" // POST
	PathCA            = "/settings/ca"        // GET: how to bring the root certificate to the PCs
	PathCAFile        = "/ca"                 // GET: format (pem|der); for everybody, as the root is no secret
	PathHelp          = "/help"

	PathDrills         = "/drills"          // GET
	PathDrillNew       = "/drills/new"      // GET: scenario, level or own or course; POST: DrillForm's fields
	PathDrillScenarios = "/drill-scenarios" // GET; POST: file; do=check
	PathDrillPreview   = "/drills/preview"  // POST (htmx): DrillForm's fields
	PathDrillPersons   = "/drills/persons"  // POST (htmx): who, person
	PathDrillPeople    = "/drills/people"   // GET: q, department, role, after; POST: one mailbox
	PathDrillImport    = "/drills/people/import"
	PathDrillSettings  = "/drills/settings" // GET, POST
	PathDrillDomains   = "/drills/settings/domains"
	PathDrillMailbox   = "/drills/settings/mailbox" // POST: do save or try
	PathDrillButton    = "/drills/settings/report-button"
	PathDrillScanners  = "/drills/scanners" // GET; POST: net, agent, note

	PathDrillPlan       = "/drills/plan"        // GET: year, edit; POST: PlanForm's fields; /propose (POST): year
	PathDrillDesk       = "/drills/desk"        // GET
	PathDrillRoll       = "/drills/roll"        // GET: year, department, after
	PathDrillRollExport = "/drills/roll/export" // GET: year, department

	PathAssess        = "/assess"          // GET
	PathAssessStart   = "/assess/start"    // GET, POST: one reply a gate, by its id
	PathLevel         = "/level"           // GET: staff, cloud
	PathLevelPattern  = "/level/pattern"   // POST: staff, cloud
	PathYardstick     = "/yardstick"       // GET
	PathDock          = "/dock"            // GET; POST: kind; /routine (POST): month, day, owner
	PathPack          = "/pack"            // GET: dock; /remarks (POST): the register's fields
	PathCatalogues    = "/catalogues"      // GET
	PathCatalogueLoad = "/catalogues/load" // POST: file; do=check
	PathTables        = "/catalogue-tables"
)

// GatesID is the catalogue of the level's gates.
const GatesID = "level-gates"

// FormPath is a form of the yearly check-up; state filters its items.
func FormPath(catalogue, subject, state string) string {
	v := url.Values{}
	if subject != "" {
		v.Set("subject", subject)
	}
	if state != "" {
		v.Set("state", state)
	}
	return withQuery(at(PathAssess, catalogue, ""), v)
}

// ItemPath is one item of a form; what is "" (GET, POST) or a POST: ask, reply, withdraw, attachments.
func ItemPath(catalogue, item, what, subject string) string {
	return about(at(at(PathAssess, catalogue, ""), item, what), subject)
}

// about names the system that a form is about; "" is the hospital.
func about(path, subject string) string {
	if subject == "" {
		return path
	}
	return withQuery(path, url.Values{"subject": {subject}})
}

// CarryPath answers items as in the edition before (POST: item); subject is the system that a vendor's form is about, or "".
func CarryPath(catalogue, subject string) string {
	return about(at(PathAssess, catalogue, "carry"), subject)
}

// DockPath is a dock's result sheet; what is "", director, verify, file, or approve (POST: note).
func DockPath(id, what string) string { return at(PathDock, id, what) }

// PackChosen is the page of the pack, made from a dock.
func PackChosen(id string) string { return withQuery(PathPack, url.Values{"dock": {id}}) }

// PackFile is the pack as a file: pack.html, pack.xlsx, pack.pdf or pack.json; from the present state where id is "".
func PackFile(name, id string) string {
	if id == "" {
		return PathPack + "/" + name
	}
	return withQuery(PathPack+"/"+name, url.Values{"dock": {id}})
}

// CataloguePath is a catalogue's page; what is "", restore (POST: version) or file (GET: version).
// TablePath is a table of figures and rules of thumb. GET: the file; POST "reset".
func TablePath(id, what string) string { return at(PathTables, id, what) }

func CataloguePath(id, what string) string { return at(PathCatalogues, id, what) }

// CatalogueItemPath corrects one item (GET, POST).
func CatalogueItemPath(id, item string) string {
	return CataloguePath(id, "items/"+url.PathEscape(item))
}

// CatalogueFile is a version as a YAML file.
func CatalogueFile(id, version string) string {
	return withQuery(CataloguePath(id, "file"), url.Values{"version": {version}})
}

// DevicePath is a device's page; what is "" or one of edit, history, merge, split, state, never-touch, unlock, lock, attachments.
func DevicePath(id netid.DeviceID, what string) string { return at(PathLedger, string(id), what) }

// SweepPath is a check-up's page; what is "", live (htmx), pause, resume or stop (POST).
func SweepPath(id, what string) string { return at(PathSweeps, id, what) }

// SegmentPath is a segment's page; what is "" (GET form, POST SegmentForm), withdraw or sweep (POST).
func SegmentPath(id, what string) string { return at(PathSegments, id, what) }

// FindingPath is a finding's page; what is "", state (POST: state, until, note) or letter.
func FindingPath(id, what string) string { return at(PathFindings, id, what) }

// DrillPath is a drill's page; what is "", live (htmx), edit, preflight, or a POST: submit, approve, reject, pause, resume, withdraw, copy, close, copy-to (facility).
func DrillPath(id, what string) string { return at(PathDrills, id, what) }

// ScannerPath takes a mail scanner off the list (POST).
func ScannerPath(id string) string { return at(PathDrillScanners, id, "remove") }

// PlanPath is a planned drill; what is draft or remove (POST).
func PlanPath(id, what string) string { return at(PathDrillPlan, id, what) }

// SystemPath and VendorPath are record pages; what is "", edit, attachments or delete (POST).
func SystemPath(id, what string) string { return at(PathSystems, id, what) }
func VendorPath(id, what string) string { return at(PathVendors, id, what) }

// ImportPath is a step of an import; what is "", sheet, columns, apply, live (htmx), undo, discard.
func ImportPath(id, what string) string { return at(PathImport, id, what) }

// JobPath is one piece of work; what is "", live (htmx), cancel or retry (POST).
func JobPath(id, what string) string { return at(PathJobs, id, what) }

// PersonPath is a member; what is role, remove or signout (POST).
func PersonPath(id, what string) string { return at(PathPeople, id, what) }

// TokenPath is an API token; what is revoke (POST).
func TokenPath(id, what string) string { return at(PathTokens, id, what) }

// MeSession and MePasskey are one of my sessions or passkeys; both take POST to end them.
func MeSession(id string) string { return at("/me/sessions", id, "end") }
func MePasskey(id string) string { return at("/me/passkeys", id, "remove") }

// InvitePath is the link of an invitation (GET, POST); InviteRevoke ends one (POST).
func InvitePath(secret string) string { return at("/invite", secret, "") }
func InviteRevoke(id string) string   { return at(PathInvite, id, "revoke") }

// SealPath is the printable page of one day's checkpoint (2006-01-02).
func SealPath(day string) string { return at(PathTrailSeals, day, "") }

func at(base, id, what string) string {
	p := base + "/" + url.PathEscape(id)
	if what != "" {
		p += "/" + what
	}
	return p
}

// LedgerQuery is what the ledger's list shows, as its address says it.
type LedgerQuery struct {
	Q          string // words to look for
	Chip       string // one of the chips: "", new, medical, findings, unsupported, unseen, ownerless, conflict, retired
	Kind       string
	Department string
	Segment    string
	State      string
	Sort       string // name, kind, maker, os, place, port, ip, seen, worst; "" is the ledger's own order
	Desc       bool
	Cursor     string // of the page; a new filter or order starts at the first
}

// ReadLedgerQuery takes the query out of an address; anything unknown is left for the ledger to refuse.
func ReadLedgerQuery(v url.Values) LedgerQuery {
	desc, _ := strconv.ParseBool(v.Get("desc"))
	return LedgerQuery{Q: v.Get("q"), Chip: v.Get("chip"), Kind: v.Get("kind"), Department: v.Get("department"), Segment: v.Get("segment"),
		State: v.Get("state"), Sort: v.Get("sort"), Desc: desc, Cursor: v.Get("cursor")}
}

// Values writes the query, leaving out what is empty.
func (q LedgerQuery) Values() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{"q": q.Q, "chip": q.Chip, "kind": q.Kind, "department": q.Department, "segment": q.Segment,
		"state": q.State, "sort": q.Sort, "cursor": q.Cursor} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.Desc {
		v.Set("desc", "true")
	}
	return v
}

// URL is the list's address.
func (q LedgerQuery) URL() string { return withQuery(PathLedger, q.Values()) }

// Page is the same list at another cursor.
func (q LedgerQuery) Page(cursor string) string { q.Cursor = cursor; return q.URL() }

func (q LedgerQuery) chip(name string) string { q.Chip, q.Cursor = name, ""; return q.URL() }

func (q LedgerQuery) sorted(key string) string {
	q.Desc = q.Sort == key && !q.Desc
	q.Sort, q.Cursor = key, ""
	return q.URL()
}

func (q LedgerQuery) filtered() bool {
	return q.Q != "" || q.Chip != "" || q.Kind != "" || q.Department != "" || q.Segment != "" || q.State != ""
}

func (q LedgerQuery) export(format string) string {
	q.Cursor = ""
	v := q.Values()
	v.Set("format", format)
	return withQuery(PathLedgerExport, v)
}

func (q LedgerQuery) print() string {
	q.Cursor = ""
	return withQuery(PathLedgerPrint, q.Values())
}

func withQuery(path string, v url.Values) string {
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}
