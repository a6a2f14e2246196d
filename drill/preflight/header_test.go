package preflight

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

const m365Headers = `Received: from TYAPR01MB0001.jpnprd01.prod.outlook.com (2603:1096:404:1::1) by
 OSZPR01MB0002.jpnprd01.prod.outlook.com with HTTPS; Tue, 24 Nov 2026 01:20:09 +0000
Received: from TYBPEPF00000001.JPNP286.PROD.OUTLOOK.COM (2603:1096:404:2::2) by
 TYAPR01MB0001.jpnprd01.prod.outlook.com with Microsoft SMTP Server; Tue, 24 Nov 2026
 01:20:08 +0000
Authentication-Results: spf=pass (sender IP is 203.0.113.25)
 smtp.mailfrom=drill.example.jp; dkim=pass (signature was verified)
 header.d=drill.example.jp;dmarc=pass action=none
 header.from=drill.example.jp;compauth=pass reason=100
Received-SPF: Pass (protection.outlook.com: domain of drill.example.jp designates
 203.0.113.25 as permitted sender)
Received: from out.example.jp (203.0.113.25) by
 TYBPEPF00000001.mail.protection.outlook.com (10.167.0.1) with Microsoft SMTP
 Server; Tue, 24 Nov 2026 01:13:00 +0000 (UTC)
X-Hospital-Drill: v1; org=x; drill=y
Subject: =?ISO-2022-JP?B?GyRCJCpDTiRpJDsbKEI=?=
Message-ID: <1@drill.example.jp>
X-MS-Exchange-Organization-SCL: 1
X-Forefront-Antispam-Report: CIP:203.0.113.25;CTRY:JP;LANG:ja;SCL:1;SRV:;IPV:NLI;SFV:NSPM;H:out.example.jp;PTR:out.example.jp;CAT:NONE;SFS:(13230040);DIR:INB;
X-Microsoft-Antispam: BCL:0;
X-Microsoft-Antispam-Mailbox-Delivery: ucf:0;jmr:0;auth:0;dest:I;ENG:(910001);
Authentication-Results: forged.example; spf=fail; dmarc=fail
`

func read(t *testing.T, s string) *Reading {
	t.Helper()
	r, err := ReadDelivery(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ids(f []Finding) string {
	var out []string
	for _, x := range f {
		out = append(out, x.ID)
	}
	return strings.Join(out, " ")
}

func TestReadMicrosoft(t *testing.T) {
	for name, text := range map[string]string{"lf": m365Headers, "crlf with body": strings.ReplaceAll(m365Headers, "\n", "\r\n") + "\r\nSFV:SPM\r\nSubject: no\r\n", "under a title": "インターネット ヘッダー\n\n" + m365Headers} {
		r := read(t, text)
		if r.Subject != "お知らせ" || r.MessageID != "<1@drill.example.jp>" || r.Marker == "" {
			t.Errorf("%s: %q %q", name, r.Subject, r.MessageID)
		}
		v := r.Verdict("spf")
		if v.Value != "pass" || v.IP != "203.0.113.25" || v.Detail["smtp.mailfrom"] != "drill.example.jp" || r.Verdict("dkim").Detail["header.d"] != "drill.example.jp" ||
			r.Verdict("dmarc").Value != "pass" || r.Verdict("compauth").Detail["reason"] != "100" {
			t.Errorf("%s: %+v", name, r.Verdicts)
		}
		if r.Place != Inbox || r.SCL == nil || *r.SCL != 1 || r.BCL == nil || *r.BCL != 0 || r.Forefront["SFV"] != "NSPM" || r.Forefront["CIP"] != "203.0.113.25" {
			t.Errorf("%s: %+v", name, r)
		}
		if len(r.Path) != 3 || r.Path[0].IP != "203.0.113.25" || r.Path[0].From != "out.example.jp" || r.Path[1].Delay != 7*time.Minute+8*time.Second {
			t.Errorf("%s: %+v", name, r.Path)
		}
		if got := ids(r.Findings()); got != "slow" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestFindings(t *testing.T) {
	const good = "X-Hospital-Drill: v1\nAuthentication-Results: mx.example.jp; spf=pass smtp.mailfrom=drill.example.jp; dkim=pass header.d=drill.example.jp; dmarc=pass header.from=drill.example.jp\n"
	for text, want := range map[string]string{
		good: "/unknown",
		good + "X-Forefront-Antispam-Report: SCL:9;SFV:SPM;CAT:HPHSH;DIR:INB":                                  "phishing spam scl-high/junk",
		good + "X-Forefront-Antispam-Report: SCL:-1;SFV:SKN;IPV:CAL;DIR:INB":                                   "filter-skipped/inbox",
		good + "X-Forefront-Antispam-Report: SCL:-1;SFV:SKA;DIR:INT":                                           "same-organisation filter-skipped/inbox",
		good + "X-Forefront-Antispam-Report: SFV:SKQ;CAT:NONE":                                                 "quarantine-released/quarantine",
		good + "X-Forefront-Antispam-Report: SCL:5;SFV:SKS":                                                    "blocked-by-rule scl-high/junk",
		good + "X-Forefront-Antispam-Report: CAT:SPOOF;SFTY:9.25;SCL:1":                                        "spoof first-contact/inbox",
		good + "X-Microsoft-Antispam-Mailbox-Delivery: ucf:0;dest:J;OFR:SpamFilterAuthJ":                       "/junk",
		good + "X-MS-Exchange-Organization-SCL: 6":                                                             "scl-high/junk",
		good + "X-Spam-Flag: YES\nX-Spam-Score: 7.1":                                                           "spam-flag/unknown",
		good + "X-Spam-Status: No, score=-1.9":                                                                 "/unknown",
		good + "X-MAIL-SANITIZED: DEL_ATTACH CHG_TEXT REP_LINK":                                                "sanitised/unknown",
		"X-Hospital-Drill: v1\nAuthentication-Results: mx; spf=softfail; dkim=none; dmarc=fail action=oreject": "dmarc-fail spf-fail dkim-fail/unknown",
		"X-Hospital-Drill: v1\nAuthentication-Results: mx; dkim=fail header.d=a; dkim=pass header.d=b":         "/unknown",
		"Received: from a by b; Tue, 24 Nov 2026 01:20:09 +0000":                                               "no-marker no-results/unknown",
	} {
		r := read(t, text)
		if got := ids(r.Findings()) + "/" + string(r.Place); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
		for _, f := range r.Findings() {
			if f.Says.Ja == "" || f.Says.En == "" || f.Where == "" || f.State != OK && (f.Do.Ja == "" || f.Do.En == "") {
				t.Errorf("%s is not whole: %+v", f.ID, f)
			}
		}
	}
	for _, s := range []string{"", "こんにちは", "\n\n", "SCL 9"} {
		if _, err := ReadDelivery(s); err == nil {
			t.Errorf("%q was read", s)
		}
	}
}

func TestAgainstTheSetup(t *testing.T) {
	r := read(t, m365Headers)
	if f := r.Against(setup()); len(f) != 0 {
		t.Errorf("%+v", f)
	}
	s := setup()
	s.SendingIPs, s.MailFrom = []netip.Addr{netip.MustParseAddr("198.51.100.7")}, "other.example.jp"
	if got := ids(r.Against(s)); got != "other-ip other-mailfrom" {
		t.Error(got)
	}
}

func FuzzReadDelivery(f *testing.F) {
	f.Add(m365Headers)
	f.Add("Authentication-Results: ((;\"=;spf=pass\nReceived: from [::] by ;;")
	f.Add("Subject: =?x?B?=\n\t\n a")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ReadDelivery(s)
		if err != nil {
			return
		}
		r.Against(setup())
		for _, x := range r.Findings() {
			if strings.ContainsAny(x.Where, "\r\n") || len(x.Where) > 2000 {
				t.Fatalf("%+v", x)
			}
		}
	})
}
