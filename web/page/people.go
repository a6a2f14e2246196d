package page

import (
	"time"

	"github.com/a-h/templ"

	"kenshin/actor"
	"kenshin/i18n"
)

// PeopleView is who may use this facility's console.
type PeopleView struct {
	Members    []Member
	Invites    []Invite
	Tokens     []Token
	NewToken   string // shown once, right after it was made
	InviteURL  string // shown once, right after it was made
	InviteForm InviteForm
	Errors     Errors // of the invite form
	TokenForm  InviteForm
	TokenErrs  Errors // of the token form
}

// Member is one person with a role here.
type Member struct {
	ID       string
	Name     string
	Email    string
	Role     actor.Role
	Until    time.Time // of a supporter's grant; zero: no end
	Second   string    // "totp", "passkey" or "" when none is set up yet
	LastSeen time.Time
	Sessions int
	Self     bool
	LastOne  bool // the last administrator: role and membership cannot be taken away
}

// Invite is a link that was given out and not used yet.
type Invite struct {
	ID, Email string
	Role      actor.Role
	Until     time.Time
	Revoke    string // POST
}

// Token is an API token.
type Token struct {
	ID, Name string
	Role     actor.Role
	Until    time.Time
	LastUsed time.Time
	By       string
}

// InviteForm is what was typed: email (of an invitation) or name (of a token), role, until (2006-01-02).
type InviteForm struct {
	Email, Name string
	Role        actor.Role
	Until       string
}

// PeoplePage is the page of people. POST PathInvite, PathTokens, PersonPath(id, role|remove|signout), TokenPath(id, revoke).
func PeoplePage(s Shell, v PeopleView) templ.Component {
	return within(s, SectionPeople, i18n.Text{Ja: "利用者", En: "People"}, people(v))
}

// MeView is the signed-in person's own page.
type MeView struct {
	Name, Email string
	Sessions    []Session
	Passkeys    []Passkey
	Reading     string
	TOTP        bool
	Enrol       *TOTP    // a code app is being set up
	Recovery    int      // codes that are left
	NewCodes    []string // shown once
	Places      []Place
	MinLength   int
	Errors      Errors // of the password form
	ProfileErrs Errors
	TOTPErr     string
}

// Place is a facility that the person works in.
type Place struct {
	Name  string
	Role  actor.Role
	Until time.Time // of a supporter's leave; zero: no end
	Here  bool
}

// Session is one place where the person is signed in.
type Session struct {
	ID      string
	Where   string // browser and address, in plain words
	Started time.Time
	Last    time.Time
	This    bool
}

// Passkey is one registered passkey.
type Passkey struct {
	ID, Name string
	Made     time.Time
	LastUsed time.Time
}

// MePage shows sessions, passkeys, the code app, the password and the profile. GET PathMeTOTP is this page with Enrol. POST PathMePassword,
// PathMeTOTP (code), PathMeTOTPRemove, PathMeCodes, PathMeProfile (name, reading), PathMeSignOutAll, MeSession, MePasskey.
func MePage(s Shell, v MeView) templ.Component {
	return within(s, SectionMe, i18n.Text{Ja: "自分の設定", En: "My account"}, me(v))
}
