// Package actor says who acts, in which role, and what a role may do.
package actor

import (
	"context"
	"slices"
)

// PersonID identifies a person with an account (UUIDv7 text).
type PersonID string

// Kind is what sort of actor did something.
type Kind string

const (
	Person  Kind = "person"  // signed in to the console
	Token   Kind = "token"   // a script with an API token
	Command Kind = "command" // somebody at the machine's command line
	System  Kind = "system"  // Kenshin itself: a schedule, a signal
)

// Role is what a person does in one facility.
type Role string

const (
	Admin      Role = "admin"      // 情報担当
	Director   Role = "director"   // 経営者
	Department Role = "department" // 部門担当
	Auditor    Role = "auditor"    // 監査(読むだけ)
	Trainer    Role = "trainer"    // 訓練担当
	Desk       Role = "desk"       // 支援者 of a support body
)

// Roles lists all roles in the order in which screens show them.
func Roles() []Role { return []Role{Admin, Director, Department, Auditor, Trainer, Desk} }

// Permission is one thing that a page or an API call needs.
type Permission string

const (
	See           Permission = "see"             // home, findings, what changed
	SeeLedger     Permission = "see-ledger"      // devices, systems, vendors, observations
	EditLedger    Permission = "edit-ledger"     // change devices, systems, vendors; merge and split
	Import        Permission = "import"          // take in files
	Export        Permission = "export"          // take the ledger out of the house
	SeeSegments   Permission = "see-segments"    // segments and what was sent
	EditSegments  Permission = "edit-segments"   // approve segments, unlock devices, kill switch
	RunSweep      Permission = "run-sweep"       // start, pause and stop a check-up
	SeeJobs       Permission = "see-jobs"        // long-running work
	SeeTrail      Permission = "see-trail"       // who did what when
	ManagePeople  Permission = "manage-people"   // invite, roles, tokens
	ManageSetting Permission = "manage-setting"  // facility name, TLS, retention
	SeeDrill      Permission = "see-drill"       // results of drills by department
	SeeDrillNames Permission = "see-drill-names" // what single persons did in a drill
	EditDrill     Permission = "edit-drill"      // write drills, recipients, lessons; submit
	ApproveDrill  Permission = "approve-drill"   // the second person's word
	StopDrill     Permission = "stop-drill"      // pause and withdraw: needs no approval
	ManageDrill   Permission = "manage-drill"    // relay, domains, contact, incident
	TriageReport  Permission = "triage-report"   // look at the mails that staff reported, and answer
	SeeAssess     Permission = "see-assess"      // the yearly check-up: answers, evidence, level
	EditAssess    Permission = "edit-assess"     // answer items, ask vendors
	KeepRegister  Permission = "keep-register"   // write in the registers that one's role keeps
	ApproveAssess Permission = "approve-assess"  // the director's word on the yearly check-up
	SeeInquiry    Permission = "see-inquiry"     // what vendors and departments answered
	EditCatalogue Permission = "edit-catalogue"  // load editions, correct texts: for all facilities of the house
)

var grants = map[Role][]Permission{
	Admin: {See, SeeLedger, EditLedger, Import, Export, SeeSegments, EditSegments, RunSweep, SeeJobs, SeeTrail,
		ManagePeople, ManageSetting, SeeDrill, ApproveDrill, StopDrill, ManageDrill, TriageReport, SeeAssess, EditAssess, EditCatalogue, SeeInquiry, KeepRegister},
	Director:   {See, SeeLedger, Export, SeeSegments, SeeJobs, SeeTrail, SeeDrill, ApproveDrill, StopDrill, SeeAssess, ApproveAssess, SeeInquiry},
	Department: {See, SeeLedger, EditLedger, SeeDrill, SeeAssess, KeepRegister},
	Auditor:    {See, SeeLedger, Export, SeeSegments, SeeJobs, SeeTrail, SeeDrill, SeeAssess, SeeInquiry},
	Trainer:    {See, SeeDrill, SeeDrillNames, EditDrill, StopDrill, TriageReport},
	Desk:       {See, SeeLedger, SeeSegments, SeeDrill, EditDrill, StopDrill, SeeAssess, EditCatalogue, SeeInquiry},
}

// May reports whether the role has the permission. An unknown role may nothing.
func (r Role) May(p Permission) bool { return slices.Contains(grants[r], p) }

// Valid reports whether r is one of Roles.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// Actor is who acts: kept in the trail and in every history row.
type Actor struct {
	Kind Kind
	ID   string // PersonID, token id, or the operating system's user of a command
	Name string // as shown
	Role Role   // in the facility at hand; empty for System
	// Address is where the connection came from, for the trail; empty outside a request.
	Address string
	Behind  PersonID `json:",omitempty"` // who made a token, "" where nobody is known
}

// Same reports whether one person stands behind two actors: two people are needed where one alone must not decide.
func (a Actor) Same(b Actor) bool {
	person := func(x Actor) string {
		if x.Kind == Token && x.Behind != "" {
			return string(x.Behind)
		}
		return x.ID
	}
	return a.ID == b.ID || person(a) == person(b)
}

type key struct{}

// With returns a context in which a acts.
func With(ctx context.Context, a Actor) context.Context { return context.WithValue(ctx, key{}, a) }

// From returns who acts in ctx: Kenshin itself when nobody was named.
func From(ctx context.Context) Actor {
	if a, ok := ctx.Value(key{}).(Actor); ok {
		return a
	}
	return Actor{Kind: System, ID: "kenshin", Name: "Kenshin"}
}
