// Command kenshin is the whole product: console, check-up for a visit, import, export, backup. One file per command.
package main

import (
	"os"

	"kenshin/fault"
)

// version is set by the build.
var version = "dev"

func main() { os.Exit(run(os.Args[1:], console{os.Stdin, os.Stdout, os.Stderr})) }

// Exit codes that scripts may rely on.
const (
	exitDone       = 0
	exitFailed     = 1
	exitUsage      = 2
	exitIncomplete = 3
)

// incomplete is returned by a command that did its work but for a part, which it has named on stderr.
var errIncomplete = fault.New(fault.Unavailable, "一部ができませんでした。", "A part could not be done.")
