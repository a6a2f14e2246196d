package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"kenshin/fault"
)

func TestColumnsLineUpOnATerminal(t *testing.T) {
	var c columns
	c.add("IP", "種類", "名前")
	c.add("10.0.0.1", "ルータ", "rt1")
	c.add("10.0.0.20", "pc", "é")
	var b strings.Builder
	if err := c.print(&b); err != nil {
		t.Fatal(err)
	}
	want := "IP         種類    名前\n10.0.0.1   ルータ  rt1\n10.0.0.20  pc      é\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestWronglyWrittenFlagsAreUsage(t *testing.T) {
	for _, x := range []struct {
		err   error
		kinds []fault.Kind
		usage bool
	}{
		{fault.New(fault.Invalid, "あ", "a"), nil, true},
		{fmt.Errorf("wrapped: %w", fault.New(fault.Invalid, "あ", "a")), nil, true},
		{fault.New(fault.TooLarge, "あ", "a"), []fault.Kind{fault.TooLarge}, true},
		{fault.New(fault.Busy, "あ", "a"), nil, false},
		{errors.New("a bug"), nil, false},
		{nil, nil, false},
	} {
		_, got := errors.AsType[usageError](flagsWrong(x.err, x.kinds...))
		if got != x.usage {
			t.Errorf("%v: usage %v, want %v", x.err, got, x.usage)
		}
	}
}
