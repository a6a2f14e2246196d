package main

import (
	"errors"

	"kenshin/fault"
)

// stoppedError is a command that was cut off by Ctrl-C or as the machine goes down (SIGINT, SIGTERM). part: some of its work is done and stays.
type stoppedError struct {
	cause error
	part  bool
}

func (s stoppedError) Error() string { return s.cause.Error() }
func (s stoppedError) Unwrap() error { return s.cause }

// halted tells what being cut off means for this command: err, when it is for another reason or nil, is returned as it is.
func (e *env) halted(err error, part bool, ja, en string, args ...any) error {
	if err == nil || e.ctx.Err() == nil {
		return err
	}
	f := fault.Newf(fault.Unavailable, ja, en, args...)
	f.Err = err
	return stoppedError{f, part}
}

// stopped is halted for a command that has nothing of its own to tell. What fails after the signal fails because of it, whatever it says;
// only serve, which ends by a signal, is asked how.
func (e *env) stopped(err error) error {
	if _, told := errors.AsType[stoppedError](err); told || e.serves {
		return err
	}
	return e.halted(err, false, "途中で止めました。データは失われていません。もう一度実行できます。", "Stopped halfway. No data was lost; it can be run again.")
}
