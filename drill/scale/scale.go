// Package scale measures how hard a mail is to see through, by the NIST Phish Scale (NIST TN 2276), and finds the cues that a machine can
// find. A person corrects what it finds: Suggest only fills the worksheet in advance.
package scale

import (
	"kenshin/drill/internal/cue"
	"kenshin/i18n"
)

type (
	ID         = cue.ID         // names one of the 23 cues
	Cue        = cue.Cue        // one kind of sign
	Group      = cue.Group      // one of the five families
	Counts     = cue.Counts     // instances of each cue
	Premise    = cue.Premise    // five elements, 0 2 4 6 8 each
	Rating     = cue.Rating     // the result, with reasons
	Level      = cue.Level      // few, some, many
	Fit        = cue.Fit        // weak, medium, strong
	Difficulty = cue.Difficulty // very, moderately, moderately-to-least, least
	Part       = cue.Part       // of a mail
	Mark       = cue.Mark       // a cue and its wording in a mail
)

const (
	Very              = cue.Very
	Moderately        = cue.Moderately
	ModeratelyToLeast = cue.ModeratelyToLeast
	Least             = cue.Least
)

// Cues lists the 23 cues in the order of the worksheet.
func Cues() []Cue { return cue.All() }

// Find returns the cue of an id.
func Find(id ID) (Cue, bool) { return cue.Find(id) }

// Groups lists the five families of cues.
func Groups() []Group { return cue.Groups() }

// Elements names the five elements of the premise, in the order of Premise's fields.
func Elements() []i18n.Text { return cue.Elements() }

// Rate reckons the difficulty from cues and premise, which should have passed their Check.
func Rate(c Counts, p Premise) Rating { return cue.Rate(c, p) }

// Tally counts marks by cue.
func Tally(marks []Mark) Counts { return cue.Tally(marks) }
