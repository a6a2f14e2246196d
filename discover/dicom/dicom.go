// Package dicom greets an imaging device: one association that proposes Verification and nothing else (PS3.8 section 9.3), released at once.
// No C-ECHO is sent, no data is asked for. The gate lets it go to devices only that a person unlocked.
package dicom

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"kenshin/discover/internal/talk"
	"kenshin/gate"
	"kenshin/observation"
)

// Why is what the gate writes down when an answer in DICOM shows that a device is medical.
const Why = "DICOMで応答した (answered in DICOM)"

// Values of the dicom signal.
const (
	Accepted = "accepted"
	Rejected = "rejected"
	Aborted  = "aborted"
)

// maxPDU is the longest PDU that is taken; an honest A-ASSOCIATE-AC to our request has about 200 bytes.
const maxPDU = 16 * 1024

// Probe greets the device and marks it as medical when it answers in DICOM, whatever the answer. It returns tcp.open and dicom.
func Probe(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	seen, err := talk.With(ctx, h, port, gate.DICOMAssociation, Talk)
	for _, o := range seen {
		if o.Signal == observation.DICOM {
			h.Medical(Why)
		}
	}
	return seen, err
}

// Talk asks for an association on an open connection and releases it. It returns dicom with the implementation that answered.
func Talk(conn net.Conn) ([]observation.Observation, error) {
	c := talk.New(conn, 2*maxPDU)
	if _, err := c.Write(associate()); err != nil {
		return nil, fmt.Errorf("asking for an association: %w", err)
	}
	kind, body, err := pdu(c)
	if err != nil {
		return nil, fmt.Errorf("waiting for the association: %w", err)
	}
	o := observation.Observation{Signal: observation.DICOM, Raw: c.Raw()}
	switch kind {
	case pduReject:
		if len(body) < 4 {
			return nil, talk.ErrOther
		}
		o.Value = Rejected
		o.Detail = talk.Detail("reason", reason(body[2], body[3]), "result", strconv.Itoa(int(body[1])))
		return []observation.Observation{o}, nil
	case pduAbort:
		if len(body) < 4 {
			return nil, talk.ErrOther
		}
		o.Value, o.Detail = Aborted, talk.Detail("reason", fmt.Sprintf("source %d, reason %d", body[2], body[3]))
		return []observation.Observation{o}, nil
	case pduAccept:
	default:
		return nil, talk.ErrOther
	}
	a, err := parseAccept(body)
	if err != nil {
		return nil, err
	}
	o.Value = Accepted
	o.Detail = talk.Detail("implementation_uid", a.uid, "implementation_version", a.version, "verification", a.verification)
	return []observation.Observation{o}, release(c)
}

// release ends the association in the regular way; a device that stays silent gets an abort.
func release(c *talk.Conn) error {
	if _, err := c.Write([]byte{pduRelease, 0, 0, 0, 0, 4, 0, 0, 0, 0}); err != nil {
		return fmt.Errorf("releasing the association: %w", err)
	}
	if kind, _, err := pdu(c); err != nil || kind != pduReleased {
		// after a timeout the write fails too, and the connection's end tells the device
		_, _ = c.Write([]byte{pduAbort, 0, 0, 0, 0, 4, 0, 0, 0, 0})
		return fmt.Errorf("the association was not released in the regular way (answer type %d): %w", kind, err)
	}
	return nil
}

// reason names why an association was rejected (PS3.8 table 9-21).
func reason(source, code byte) string {
	names := map[[2]byte]string{
		{1, 1}: "no reason given",
		{1, 2}: "application context not supported",
		{1, 3}: "calling AE title not recognised",
		{1, 7}: "called AE title not recognised",
		{2, 1}: "no reason given (ACSE)",
		{2, 2}: "protocol version not supported",
		{3, 1}: "temporary congestion",
		{3, 2}: "local limit exceeded",
	}
	if s := names[[2]byte{source, code}]; s != "" {
		return s
	}
	return fmt.Sprintf("source %d, reason %d", source, code)
}
