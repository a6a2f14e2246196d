package snmp

import (
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
)

// agent is an SNMP agent on loopback whose manners a test chooses.
type agent struct {
	t         testing.TB
	pc        net.PacketConn
	community string
	v1        bool // speaks v1 only
	tree      []gosnmp.SnmpPDU
	delay     time.Duration
	loop      bool // answers every GETNEXT and GETBULK with the first object
	garbage   bool
	asked     atomic.Int64
}

func newAgent(t testing.TB, a *agent) net.Conn {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.t, a.pc = t, pc
	slices.SortFunc(a.tree, func(x, y gosnmp.SnmpPDU) int {
		i, _ := arcs(x.Name)
		j, _ := arcs(y.Name)
		return slices.Compare(i, j)
	})
	done := make(chan struct{})
	go func() { defer close(done); a.serve() }()
	conn, err := net.Dial("udp", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); pc.Close(); <-done })
	return conn
}

func (a *agent) serve() {
	codec := &gosnmp.GoSNMP{Version: gosnmp.Version2c, MaxOids: gosnmp.MaxOids}
	buf := make([]byte, 65536)
	for {
		n, from, err := a.pc.ReadFrom(buf)
		if err != nil {
			return
		}
		a.asked.Add(1)
		q, err := codec.SnmpDecodePacket(slices.Clone(buf[:n]))
		if err != nil || q.Community != a.community || a.v1 && q.Version != gosnmp.Version1 {
			continue
		}
		time.Sleep(a.delay)
		if a.garbage {
			_, _ = a.pc.WriteTo([]byte("\x30\x82\xff\xff\x02\x01"), from)
			continue
		}
		ans := &gosnmp.SnmpPacket{Version: q.Version, Community: q.Community, PDUType: gosnmp.GetResponse, RequestID: q.RequestID,
			Variables: a.answer(q)}
		if q.Version == gosnmp.Version1 && len(ans.Variables) == 0 {
			ans.Error, ans.ErrorIndex, ans.Variables = gosnmp.NoSuchName, 1, q.Variables
		}
		b, err := ans.MarshalMsg()
		if err != nil {
			a.t.Errorf("agent: %v", err)
			return
		}
		_, _ = a.pc.WriteTo(b, from)
	}
}

func (a *agent) answer(q *gosnmp.SnmpPacket) []gosnmp.SnmpPDU {
	var out []gosnmp.SnmpPDU
	for _, v := range q.Variables {
		want, _ := arcs(v.Name)
		at, exact := slices.BinarySearchFunc(a.tree, want, func(p gosnmp.SnmpPDU, w []uint32) int {
			o, _ := arcs(p.Name)
			return slices.Compare(o, w)
		})
		switch {
		case q.PDUType == gosnmp.GetRequest && exact:
			out = append(out, a.tree[at])
		case q.PDUType == gosnmp.GetRequest:
			if q.Version == gosnmp.Version1 {
				return nil
			}
			out = append(out, gosnmp.SnmpPDU{Name: v.Name, Type: gosnmp.NoSuchInstance})
		case a.loop:
			out = append(out, gosnmp.SnmpPDU{Name: v.Name + ".1", Type: gosnmp.Integer, Value: 1}, gosnmp.SnmpPDU{Name: v.Name + ".1", Type: gosnmp.Integer, Value: 1})
		default:
			if exact {
				at++
			}
			rest := a.tree[min(at, len(a.tree)):]
			n := 1
			if q.PDUType == gosnmp.GetBulkRequest {
				n = int(q.MaxRepetitions)
			}
			out = append(out, rest[:min(n, len(rest))]...)
			if len(out) == 0 && q.Version != gosnmp.Version1 {
				out = append(out, gosnmp.SnmpPDU{Name: v.Name, Type: gosnmp.EndOfMibView})
			}
		}
	}
	return out
}

func octet(oid string, v any) gosnmp.SnmpPDU {
	switch x := v.(type) {
	case int:
		return gosnmp.SnmpPDU{Name: "." + oid, Type: gosnmp.Integer, Value: x}
	case string:
		return gosnmp.SnmpPDU{Name: "." + oid, Type: gosnmp.OctetString, Value: x}
	}
	return gosnmp.SnmpPDU{Name: "." + oid, Type: gosnmp.OctetString, Value: string(v.([]byte))}
}
