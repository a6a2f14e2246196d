// Package i18n holds what is said to people: every text stands in Japanese and English side by side, where it is used.
package i18n

import (
	"context"
	"fmt"
)

// Lang is a language of the screens: Ja or En.
type Lang string

const (
	Ja Lang = "ja"
	En Lang = "en"
)

// Parse maps anything but "en" to Japanese, the first language of the product.
func Parse(s string) Lang {
	if s == string(En) {
		return En
	}
	return Ja
}

// Text is one text in both languages.
type Text struct {
	Ja string `json:"ja" yaml:"ja"`
	En string `json:"en" yaml:"en"`
}

// In returns the text in a language.
func (t Text) In(l Lang) string {
	if l == En {
		return t.En
	}
	return t.Ja
}

// For returns the text in the language of ctx.
func (t Text) For(ctx context.Context) string { return t.In(From(ctx)) }

type langKey struct{}

// With returns a context whose pages are in l.
func With(ctx context.Context, l Lang) context.Context { return context.WithValue(ctx, langKey{}, l) }

// From returns the language of ctx, Japanese when none was set.
func From(ctx context.Context) Lang {
	if l, ok := ctx.Value(langKey{}).(Lang); ok {
		return l
	}
	return Ja
}

// T returns one of two texts by the language of ctx, with args put in when there are any.
func T(ctx context.Context, ja, en string, args ...any) string {
	s := ja
	if From(ctx) == En {
		s = en
	}
	if len(args) > 0 {
		return fmt.Sprintf(s, args...)
	}
	return s
}
