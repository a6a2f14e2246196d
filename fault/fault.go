// Package fault carries what went wrong in two voices: the cause, for the log, and one clear sentence with what to do,
// for the person who asked.
package fault

import (
	"errors"
	"fmt"
)

// Kind says how a caller should react; faces map it to HTTP status and exit codes.
type Kind int

const (
	Internal    Kind = iota // a bug or a broken machine; the person can only report it
	Invalid                 // the input is wrong; the sentence says where
	NotFound                // no such thing, or not visible to this person
	Conflict                // somebody else changed it, or it exists already
	Denied                  // the person or the rules do not allow it
	TooLarge                // over a limit that the sentence names
	Busy                    // try again later
	Unavailable             // something outside is missing: a right, a program, a network
)

// Error is a failure that a person may read. Ja and En are whole sentences; Err, if any, is the cause.
type Error struct {
	Kind   Kind
	Ja, En string
	Err    error
}

// New makes an error without a cause.
func New(kind Kind, ja, en string) *Error { return &Error{Kind: kind, Ja: ja, En: en} }

// Newf is New with the same arguments put into both sentences.
func Newf(kind Kind, ja, en string, args ...any) *Error {
	return &Error{Kind: kind, Ja: fmt.Sprintf(ja, args...), En: fmt.Sprintf(en, args...)}
}

// Wrap gives a cause its sentence.
func Wrap(kind Kind, err error, ja, en string) *Error {
	return &Error{Kind: kind, Ja: ja, En: en, Err: err}
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.En + ": " + e.Err.Error()
	}
	return e.En
}

func (e *Error) Unwrap() error { return e.Err }

// In returns the sentence in a language ("ja", else English).
func (e *Error) In(lang string) string {
	if lang == "ja" {
		return e.Ja
	}
	return e.En
}

// KindOf returns the kind of the outermost Error in err's chain, Internal when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Is reports whether err carries an Error of this kind.
func Is(err error, kind Kind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == kind
}

// Sentence returns what a person should read about err; an unexpected error gets a general sentence, its cause stays in the log.
func Sentence(err error, lang string) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.In(lang)
	}
	if lang == "ja" {
		return "処理の途中で問題が起きました。データは失われていません。もう一度試し、続くときは kenshin doctor の結果を添えて知らせてください。"
	}
	return "Something went wrong; no data was lost. Try again, and if it goes on, report it with the output of kenshin doctor."
}
