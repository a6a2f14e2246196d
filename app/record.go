package app

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"kenshin/checkup"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
)

// A recording is NDJSON, one observation.Observation a line, packed with gzip or not. It holds what was seen and never what was concluded.
const (
	maxRecordLine = 256 << 10 // bytes: every field at its limit, escaped
	maxRecorded   = 5_000_000 // lines
	maxDetails    = 64
)

// writeRecording writes all observations of a facility, the oldest first.
func writeRecording(ctx context.Context, seen *observation.Log, f facility.ID, w io.Writer) error {
	var all []observation.Observation
	for cursor := ""; ; {
		page, err := seen.List(ctx, f, observation.Filter{Cursor: cursor, Limit: 500})
		if err != nil {
			return fmt.Errorf("read the observations: %w", err)
		}
		all = append(all, page.Observations...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	slices.Reverse(all)
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for i := range all {
		all[i].ID = "" // made of the content; a reader makes it again
		if err := enc.Encode(all[i]); err != nil {
			return fmt.Errorf("write the recording: %w", err)
		}
	}
	return out.Flush()
}

// Recording reads a recording line by line. What is wrong with a line is a sentence with its number; now bounds the times.
type Recording struct {
	in   *bufio.Scanner
	line int
	now  time.Time
}

// OpenRecording begins to read; the stream is unpacked where it is gzip.
func OpenRecording(r io.Reader, now time.Time) (*Recording, error) {
	b := bufio.NewReader(r)
	if head, _ := b.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "gzipとして読めないファイルです。", "The file cannot be read as gzip.")
		}
		r = z
	} else {
		r = b
	}
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 16<<10), maxRecordLine)
	return &Recording{in: in, now: now}, nil
}

var signalForm = regexp.MustCompile(`^[a-z][a-z0-9]*([.-][a-z0-9]+)*$`)

// Next returns the next observation; ok is false at the end.
func (r *Recording) Next() (o observation.Observation, ok bool, err error) {
	for r.in.Scan() {
		if r.line++; r.line > maxRecorded {
			return o, false, fault.Newf(fault.TooLarge, "記録は%d行までです。ファイルを分けてください。", "A recording has at most %d lines. Split the file.", maxRecorded)
		}
		text := bytes.TrimSpace(r.in.Bytes())
		if len(text) == 0 {
			continue
		}
		if err := json.Unmarshal(text, &o); err != nil {
			return o, false, r.wrong(err, "JSONの観察として読めません", "it cannot be read as an observation in JSON")
		}
		return o, true, r.check(&o)
	}
	switch err := r.in.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		r.line++
		return o, false, r.wrong(err, "1行が長すぎます", "the line is too long")
	case err != nil:
		r.line++
		return o, false, r.wrong(err, "ここから先を読めません(ファイルが途中で切れています)", "the file cannot be read from here on (it is cut off)")
	}
	return o, false, nil
}

func (r *Recording) check(o *observation.Observation) error {
	switch {
	case !o.About():
		return r.wrong(nil, "どの機器のことか分かりません(mac か ip が要ります)", "it does not say which device it is about (mac or ip)")
	case !signalForm.MatchString(string(o.Signal)) || len(o.Signal) > 64:
		return r.wrong(nil, "signal がありません", "it has no signal")
	case len(o.Detail) > maxDetails:
		return r.wrong(nil, "detail の項目が多すぎます", "it has too many details")
	case o.At.Year() < 2000:
		return r.wrong(nil, "at の時刻がありません", "it has no time (at)")
	case o.At.After(r.now.Add(24 * time.Hour)):
		return r.wrong(nil, "at が未来の時刻です。記録した機械とこの機械の時計を確かめてください", "its time lies in the future; check the clocks of both machines")
	}
	return nil
}

func (r *Recording) wrong(err error, ja, en string) error {
	return fault.Wrap(fault.Invalid, err, fmt.Sprintf("%d行目: %s。", r.line, ja), fmt.Sprintf("Line %d: %s.", r.line, en))
}

// Replay takes a recording through the pipeline of a facility. Nothing is sent. Doing it again changes nothing.
func (h *House) Replay(ctx context.Context, f facility.ID, next func() (observation.Observation, bool, error), told func(n int)) error {
	return h.judge().Replay(ctx, f, next, told)
}

// Explain says again what a device is, from all that was seen of it, with every reason.
func (h *House) Explain(ctx context.Context, f facility.ID, id netid.DeviceID) (ledger.Identity, []ledger.Service, error) {
	seen, err := (&checkup.Checkup{DB: h.DB, Seen: h.Seen, Ledger: h.Ledger}).SeenOf(ctx, f, id)
	if err != nil {
		return ledger.Identity{}, nil, err
	}
	identity, services := h.Identify.Of(seen)
	return identity, services, nil
}
