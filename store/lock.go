package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"kenshin/fault"
)

const lockName = "kenshin.lock"

// Lock makes sure that one process serves a data folder: a second one gets a fault that names the first one's process. The lock goes
// with the process, however it ends. release gives it back earlier.
func Lock(dir string) (release func(), err error) {
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "データのフォルダに書き込めません。--data のフォルダの権限を確かめてください。",
			"The data folder cannot be written. Check the rights of the folder in --data.")
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		pid := readPID(f)
		_ = f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		return nil, fault.Newf(fault.Conflict,
			"このデータのフォルダでは、別のKenshin(プロセス %d)がもう動いています。それを止めるか、別のフォルダを --data で指定してください。",
			"Another Kenshin (process %d) is already running on this data folder. Stop it, or name another folder with --data.", pid)
	}
	if err := errors.Join(f.Truncate(0), writePID(f)); err != nil {
		_ = f.Close()
		return nil, diskFull(fmt.Errorf("write %s: %w", path, err))
	}
	return func() { _ = f.Close() }, nil // the file stays: removing it would let two processes lock two files of one name
}

// Holder returns the process that serves a data folder, 0 when none does.
func Holder(dir string) int { return holder(dir) }

func holder(dir string) int {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDONLY, 0)
	if err != nil {
		return 0
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return readPID(f)
	}
	return 0
}

// waitLock takes a lock file for a short while, waiting for whoever has it.
func waitLock(ctx context.Context, path string) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func ownPID() int { return os.Getpid() }

func writePID(f *os.File) error {
	_, err := f.WriteAt([]byte(strconv.Itoa(ownPID())+"\n"), 0)
	return err
}

func readPID(f *os.File) int {
	b := make([]byte, 32)
	n, _ := f.ReadAt(b, 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	return pid
}
