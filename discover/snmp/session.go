package snmp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gosnmp/gosnmp"

	"kenshin/fault"
	"kenshin/gate"
)

// The library cannot talk over a connection that it did not open itself (its receive buffer is made by Connect), so only its encoder and
// decoder are used here; sending, waiting and limits are ours.

const (
	tries    = 2
	maxBytes = 8 << 20 // of one host's answers
	bulk     = 24      // rows asked for at once; old agents choke on more
)

var (
	errNoAnswer = errors.New("no SNMP answer")
	errRefused  = errors.New("the agent does not accept the credential")
	errSpent    = errors.New("the host's SNMP budget is spent")
)

// session is one credential on one connection.
type session struct {
	conn    net.Conn
	codec   *gosnmp.GoSNMP
	usm     *gosnmp.UsmSecurityParameters // v3 only
	booted  time.Time                     // when the agent's clock was learned
	clock   uint32
	id      uint32
	wait    time.Duration // for one answer
	until   time.Time
	read    int // bytes
	version string
}

// newSession prepares a credential; version is "2c", "1" or "3".
func newSession(conn net.Conn, cred gate.SNMP, version string, until time.Time, wait time.Duration) (*session, error) {
	s := &session{conn: conn, until: until, wait: wait, version: version, codec: &gosnmp.GoSNMP{
		Community: cred.Community, Version: gosnmp.Version2c, MaxOids: gosnmp.MaxOids}}
	s.id = rand.Uint32() >> 1
	switch version {
	case "1":
		s.codec.Version = gosnmp.Version1
	case "3":
		usm, flags, err := userOf(cred)
		if err != nil {
			return nil, err
		}
		s.usm = usm
		s.codec.Version, s.codec.SecurityModel = gosnmp.Version3, gosnmp.UserSecurityModel
		s.codec.MsgFlags, s.codec.SecurityParameters = flags|gosnmp.Reportable, usm
		s.codec.SetMsgID(rand.Uint32())
	}
	return s, nil
}

var authProtocols = map[string]gosnmp.SnmpV3AuthProtocol{"MD5": gosnmp.MD5, "SHA": gosnmp.SHA, "SHA1": gosnmp.SHA, "SHA224": gosnmp.SHA224,
	"SHA256": gosnmp.SHA256, "SHA384": gosnmp.SHA384, "SHA512": gosnmp.SHA512}

var privProtocols = map[string]gosnmp.SnmpV3PrivProtocol{"DES": gosnmp.DES, "AES": gosnmp.AES, "AES128": gosnmp.AES, "AES192": gosnmp.AES192,
	"AES256": gosnmp.AES256, "AES192C": gosnmp.AES192C, "AES256C": gosnmp.AES256C}

// userOf turns a v3 credential (RFC 3414) into the library's form. Without Auth it is noAuthNoPriv, without Priv authNoPriv.
func userOf(c gate.SNMP) (*gosnmp.UsmSecurityParameters, gosnmp.SnmpV3MsgFlags, error) {
	usm := &gosnmp.UsmSecurityParameters{UserName: c.User, AuthenticationProtocol: gosnmp.NoAuth, PrivacyProtocol: gosnmp.NoPriv}
	plain := func(s string) string {
		return strings.ToUpper(strings.NewReplacer("-", "", "_", "", " ", "").Replace(s))
	}
	if c.Auth == "" && c.AuthPass == "" {
		return usm, gosnmp.NoAuthNoPriv, nil
	}
	auth, ok := authProtocols[plain(c.Auth)]
	if !ok || len(c.AuthPass) < 8 { // RFC 3414, 11.2
		return nil, 0, fault.Newf(fault.Invalid, "SNMPv3ユーザー「%s」の認証方式(MD5・SHA・SHA256など)か、8文字以上の認証パスワードがありません。",
			"SNMPv3 user %q lacks an authentication protocol (MD5, SHA, SHA256, ...) or its passphrase of 8 or more characters.", c.User)
	}
	usm.AuthenticationProtocol, usm.AuthenticationPassphrase = auth, c.AuthPass
	if c.Priv == "" && c.PrivPass == "" {
		return usm, gosnmp.AuthNoPriv, nil
	}
	priv, ok := privProtocols[plain(c.Priv)]
	if !ok || len(c.PrivPass) < 8 {
		return nil, 0, fault.Newf(fault.Invalid, "SNMPv3ユーザー「%s」の暗号方式(DES・AES・AES256など)か、8文字以上の暗号パスワードがありません。",
			"SNMPv3 user %q lacks a privacy protocol (DES, AES, AES256, ...) or its passphrase of 8 or more characters.", c.User)
	}
	usm.PrivacyProtocol, usm.PrivacyPassphrase = priv, c.PrivPass
	return usm, gosnmp.AuthPriv, nil
}

// notInTimeWindow is the Report of RFC 3414 that is no refusal: our idea of the agent's clock is wrong.
const notInTimeWindow = ".1.3.6.1.6.3.15.1.1.2.0"

// do sends one request and returns its answer. Errors: errNoAnswer, errRefused, errSpent, ctx's, the gate's.
func (s *session) do(ctx context.Context, kind gosnmp.PDUType, oids []string) (*gosnmp.SnmpPacket, error) {
	if s.usm != nil && s.usm.AuthoritativeEngineID == "" {
		if err := s.discover(ctx); err != nil {
			return nil, err
		}
	}
	vars := make([]gosnmp.SnmpPDU, len(oids))
	for i, o := range oids {
		vars[i] = gosnmp.SnmpPDU{Name: o, Type: gosnmp.Null}
	}
	reps := uint32(0)
	if kind == gosnmp.GetBulkRequest {
		reps = bulk
	}
	resynced, asked := false, map[uint32]bool{} // a late answer to the first try is as good
	for range tries {
		if s.usm != nil {
			s.usm.AuthoritativeEngineTime = s.clock + uint32(time.Since(s.booted)/time.Second)
		}
		s.codec.SetRequestID(s.id)
		s.id = (s.id + 1) & 0x7fffffff // the library adds one before it writes
		asked[s.id] = true
		out, err := s.codec.SnmpEncodePacket(kind, vars, 0, reps)
		if err != nil {
			return nil, fmt.Errorf("writing an SNMP request: %w", err)
		}
		p, err := s.exchange(ctx, out, func(p *gosnmp.SnmpPacket) bool {
			return p.PDUType == gosnmp.GetResponse && asked[p.RequestID] || p.PDUType == gosnmp.Report
		})
		if errors.Is(err, errNoAnswer) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if p.PDUType != gosnmp.Report {
			return p, nil
		}
		if len(p.Variables) != 1 || p.Variables[0].Name != notInTimeWindow || resynced {
			return nil, errRefused
		}
		resynced = true
		s.synchronise(p)
	}
	if resynced { // one try went into the clock
		return nil, errRefused
	}
	return nil, errNoAnswer
}

// discover learns the agent's engine id and clock (RFC 3414, 4).
func (s *session) discover(ctx context.Context) error {
	probe := &gosnmp.SnmpPacket{Version: gosnmp.Version3, MsgFlags: gosnmp.Reportable, SecurityModel: gosnmp.UserSecurityModel,
		SecurityParameters: &gosnmp.UsmSecurityParameters{}, PDUType: gosnmp.GetRequest, MsgID: rand.Uint32() >> 1, RequestID: rand.Uint32() >> 1}
	out, err := probe.MarshalMsg()
	if err != nil {
		return fmt.Errorf("writing an SNMP request: %w", err)
	}
	for range tries {
		p, err := s.exchange(ctx, out, func(p *gosnmp.SnmpPacket) bool { return p.PDUType == gosnmp.Report && p.MsgID == probe.MsgID })
		if errors.Is(err, errNoAnswer) {
			continue
		}
		if err != nil {
			return err
		}
		usm, ok := p.SecurityParameters.(*gosnmp.UsmSecurityParameters)
		if !ok || len(usm.AuthoritativeEngineID) < 5 || len(usm.AuthoritativeEngineID) > 32 {
			return errRefused
		}
		s.usm.AuthoritativeEngineID = usm.AuthoritativeEngineID
		s.codec.ContextEngineID = usm.AuthoritativeEngineID
		s.synchronise(p)
		if err := s.usm.InitSecurityKeys(); err != nil {
			return fmt.Errorf("deriving SNMPv3 keys: %w", err)
		}
		return nil
	}
	return errNoAnswer
}

func (s *session) synchronise(p *gosnmp.SnmpPacket) {
	if usm, ok := p.SecurityParameters.(*gosnmp.UsmSecurityParameters); ok {
		s.usm.AuthoritativeEngineBoots, s.clock, s.booted = usm.AuthoritativeEngineBoots, usm.AuthoritativeEngineTime, time.Now()
	}
}

// exchange writes a request once and reads until an answer fits.
func (s *session) exchange(ctx context.Context, out []byte, fits func(*gosnmp.SnmpPacket) bool) (*gosnmp.SnmpPacket, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := time.Now()
	if now.After(s.until) || s.read > maxBytes {
		return nil, errSpent
	}
	if _, err := s.conn.Write(out); err != nil {
		return nil, noAnswer(err)
	}
	deadline := now.Add(s.wait)
	if deadline.After(s.until) {
		deadline = s.until
	}
	if err := s.conn.SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	buf := make([]byte, 1<<16)
	for {
		n, err := s.conn.Read(buf)
		if err != nil {
			return nil, noAnswer(err)
		}
		if s.read += n; s.read > maxBytes {
			return nil, errSpent
		}
		if p, err := s.open(buf[:n]); err == nil && fits(p) {
			return p, nil
		}
	}
}

// noAnswer turns a timeout and a closed port into errNoAnswer; what the gate says stays.
func noAnswer(err error) error {
	if _, ok := errors.AsType[*gate.Refusal](err); ok {
		return err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errNoAnswer
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return errNoAnswer
	}
	return fmt.Errorf("%w: %w", errClosed, err)
}

// errClosed is a port that nobody listens on: no use in asking with another credential.
var errClosed = errors.New("no SNMP agent")

// open decodes an answer. With a v3 user that authenticates, only an authentic message counts; a Report about the user itself cannot be
// authentic, so it may come plain and is never believed for more than "no".
func (s *session) open(b []byte) (*gosnmp.SnmpPacket, error) {
	if s.usm == nil {
		return ofVersion(s.codec.Version)(decode(s.codec, b))
	}
	if s.usm.AuthoritativeEngineID != "" && s.codec.MsgFlags&gosnmp.AuthNoPriv != 0 {
		if p, err := ofVersion(gosnmp.Version3)(authentic(s.codec, b)); err == nil {
			return p, nil
		}
	}
	plain := &gosnmp.GoSNMP{Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel, MsgFlags: gosnmp.NoAuthNoPriv,
		SecurityParameters: &gosnmp.UsmSecurityParameters{UserName: s.usm.UserName}, MaxOids: gosnmp.MaxOids}
	p, err := ofVersion(gosnmp.Version3)(decode(plain, b))
	if err != nil {
		return nil, err
	}
	if s.codec.MsgFlags&gosnmp.AuthNoPriv != 0 && (p.PDUType != gosnmp.Report || len(p.Variables) == 1 && p.Variables[0].Name == notInTimeWindow) {
		return nil, errors.New("an answer without authentication")
	}
	return p, nil
}

// ofVersion refuses a message of another version: the library's readers take any, and v1 and v2c carry no authentication.
func ofVersion(v gosnmp.SnmpVersion) func(*gosnmp.SnmpPacket, error) (*gosnmp.SnmpPacket, error) {
	return func(p *gosnmp.SnmpPacket, err error) (*gosnmp.SnmpPacket, error) {
		if err == nil && p.Version != v {
			return nil, errors.New("an answer of another SNMP version")
		}
		return p, err
	}
}

// decode and authentic guard the library's readers at this one place.
func decode(x *gosnmp.GoSNMP, b []byte) (p *gosnmp.SnmpPacket, err error) {
	defer guard(&err)
	return x.SnmpDecodePacket(append([]byte(nil), b...))
}

func authentic(x *gosnmp.GoSNMP, b []byte) (p *gosnmp.SnmpPacket, err error) {
	defer guard(&err)
	return x.UnmarshalTrap(append([]byte(nil), b...), false) // checks digest, user and engine of any PDU, then decrypts
}

func guard(err *error) {
	if e := recover(); e != nil {
		*err = fmt.Errorf("reading an SNMP answer: %v", e)
	}
}

// get asks for single values; those that the agent lacks are left out. A v1 agent answers a missing one with an error for all, so there each
// is asked by itself.
func (s *session) get(ctx context.Context, oids ...string) (map[string]gosnmp.SnmpPDU, error) {
	out := map[string]gosnmp.SnmpPDU{}
	groups := [][]string{oids}
	if s.codec.Version == gosnmp.Version1 {
		groups = nil
		for _, o := range oids {
			groups = append(groups, []string{o})
		}
	}
	for _, g := range groups {
		p, err := s.do(ctx, gosnmp.GetRequest, g)
		if err != nil {
			return out, err
		}
		if p.Error != gosnmp.NoError {
			continue
		}
		for _, v := range p.Variables {
			if !missing(v) {
				out[strings.TrimPrefix(v.Name, ".")] = v
			}
		}
	}
	return out, nil
}

func missing(v gosnmp.SnmpPDU) bool {
	switch v.Type {
	case gosnmp.Null, gosnmp.NoSuchObject, gosnmp.NoSuchInstance, gosnmp.EndOfMibView:
		return true
	}
	return false
}

// row is one cell of a column; index is what follows the column's OID.
type row struct {
	index []uint32
	pdu   gosnmp.SnmpPDU
}

// walk reads one column, at most limit rows. The agent must go forward, so a loop of OIDs ends. What came before an error is returned with it.
func (s *session) walk(ctx context.Context, column string, limit int) ([]row, error) {
	root, _ := arcs(column)
	var out []row
	last := root
	for len(out) < limit {
		kind := gosnmp.GetBulkRequest
		if s.codec.Version == gosnmp.Version1 {
			kind = gosnmp.GetNextRequest
		}
		p, err := s.do(ctx, kind, []string{dotted(last)})
		if err != nil {
			return out, err
		}
		if p.Error != gosnmp.NoError || len(p.Variables) == 0 {
			return out, nil
		}
		for _, v := range p.Variables {
			oid, ok := arcs(v.Name)
			if !ok || missing(v) || !below(root, oid) {
				return out, nil
			}
			if !later(last, oid) {
				return out, fmt.Errorf("the agent repeats itself at %s", v.Name)
			}
			last = oid
			if len(out) < limit {
				out = append(out, row{oid[len(root):], v})
			}
		}
	}
	return out, nil
}

const maxArcs = 128 // RFC 2578, 3.5

func arcs(s string) ([]uint32, bool) {
	parts := strings.Split(strings.TrimPrefix(s, "."), ".")
	if len(parts) > maxArcs {
		return nil, false
	}
	out := make([]uint32, len(parts))
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil {
			return nil, false
		}
		out[i] = uint32(n)
	}
	return out, true
}

func dotted(oid []uint32) string {
	var b strings.Builder
	for _, a := range oid {
		b.WriteByte('.')
		b.WriteString(strconv.FormatUint(uint64(a), 10))
	}
	return b.String()
}

func below(root, oid []uint32) bool {
	if len(oid) <= len(root) {
		return false
	}
	for i, a := range root {
		if oid[i] != a {
			return false
		}
	}
	return true
}

func later(a, b []uint32) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return len(a) < len(b)
}
