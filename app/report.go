package app

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"kenshin/checkup"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/paper"
	"kenshin/web/asset"
	"kenshin/web/page"
)

//go:embed report.html
var reportHTML string

// unknownDevice is the check that finds what no ledger knows: in a pass without a ledger that is every device.
const unknownDevice = "unknown-device"

type reportView struct {
	Lang, Title, When, Ranges string
	Style                     template.CSS
	Rep                       checkup.Report
	Medical, Unknown          int
	Findings                  []reportFinding
	Devices                   []reportDevice
}

// reportFinding is one kind of weakness with all devices that have it.
type reportFinding struct {
	Title, Why, Fix, Grade, Tone, Sign string
	Where                              []string
}

type reportDevice struct {
	Addresses, Because                      []string
	MAC, Name, Kind, Maker, Model, OS, Sure string
	Medical                                 bool
}

// VisitPage writes a check-up as one HTML file that needs no other: for a browser, a mail, and A4 paper.
func VisitPage(ctx context.Context, w io.Writer, rep checkup.Report) error {
	tmpl, err := template.New("report").Funcs(template.FuncMap{"t": func(ja, en string) string { return i18n.T(ctx, ja, en) }}).Parse(reportHTML)
	if err != nil {
		return fmt.Errorf("read the report's template: %w", err)
	}
	v := reportView{Lang: string(i18n.From(ctx)), Title: i18n.T(ctx, "ネットワーク健診の結果", "Network check-up"), Style: template.CSS(asset.Style()), //nolint:gosec // our own file
		Rep: rep, Ranges: strings.Join(rep.Ranges, ", "), Findings: reportFindings(ctx, rep)}
	v.When = i18n.T(ctx, "%s から %.0f 秒", "%s, %.0f s", rep.Started.Local().Format("2006-01-02 15:04"), rep.Finished.Sub(rep.Started).Seconds())
	for i := range rep.Devices {
		d := &rep.Devices[i]
		if d.Medical {
			v.Medical++
		}
		if d.Kind == "unknown" {
			v.Unknown++
		}
		v.Devices = append(v.Devices, reportLine(ctx, d))
	}
	if err := tmpl.Execute(w, v); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

const shownReasons = 3

func reportLine(ctx context.Context, d *checkup.ReportDevice) reportDevice {
	out := reportDevice{Addresses: append(slices.Clone(d.IPv4), d.IPv6...), MAC: d.MAC, Name: d.Name, Kind: reportKind(ctx, d), Maker: d.Maker, Model: d.Model,
		OS: strings.TrimSpace(d.OS + " " + d.OSVersion), Sure: percent(d.Confidence), Medical: d.Medical}
	for _, b := range d.Because[:min(shownReasons, len(d.Because))] {
		out.Because = append(out.Because, b.Says)
	}
	return out
}

func reportKind(ctx context.Context, d *checkup.ReportDevice) string {
	kind := page.KindText(d.Kind).For(ctx)
	if d.Modality != "" {
		kind += " (" + strings.ToUpper(d.Modality) + ")"
	}
	return kind
}

func percent(p float64) string { return fmt.Sprintf("%.0f%%", p*100) }

// reportFindings groups findings by check, the worst first: one thing to do is said once, with every device it is to be done on.
func reportFindings(ctx context.Context, rep checkup.Report) []reportFinding {
	names := map[string]*checkup.ReportDevice{}
	for i := range rep.Devices {
		names[rep.Devices[i].ID] = &rep.Devices[i]
	}
	list := slices.DeleteFunc(slices.Clone(rep.Findings), func(f checkup.ReportFinding) bool { return f.Check == unknownDevice })
	slices.SortStableFunc(list, func(a, b checkup.ReportFinding) int { return b.Severity - a.Severity })
	at := map[string]int{}
	var out []reportFinding
	for _, f := range list {
		where := f.Title
		if d := names[f.Device]; d != nil {
			where = strings.TrimSpace(strings.Join([]string{strings.Join(d.IPv4, ", "), d.Name, reportKind(ctx, d)}, "  "))
		}
		key := f.Check + "\n" + f.Why
		if i, ok := at[key]; ok {
			out[i].Where = append(out[i].Where, where)
			continue
		}
		tone, sign := "info", "i"
		switch {
		case f.Severity >= int(finding.High):
			tone, sign = "bad", "!"
		case f.Severity == int(finding.Medium):
			tone, sign = "warn", "△"
		}
		at[key] = len(out)
		out = append(out, reportFinding{Title: f.Title, Why: f.Why, Fix: f.Fix, Grade: finding.Severity(f.Severity).Label().For(ctx), Tone: tone, Sign: sign, Where: []string{where}})
	}
	for i := range out {
		if n := len(out[i].Where); n > 1 {
			out[i].Title = i18n.T(ctx, "%s ほか%d台", "%s and %d more", out[i].Title, n-1)
		} else {
			out[i].Where = nil
		}
	}
	return out
}

// VisitBook writes a check-up as a workbook: devices, findings, and how it was done.
func VisitBook(ctx context.Context, w io.Writer, rep checkup.Report) error {
	t := func(ja, en string) string { return i18n.T(ctx, ja, en) }
	table := func(name string, headers ...string) paper.Table {
		p := paper.Table{Sheet: name}
		for _, h := range headers {
			p.Columns = append(p.Columns, paper.Column{Header: h})
		}
		return p
	}
	names := map[string]string{}
	devices := func(yield func([]any, error) bool) {
		for i := range rep.Devices {
			d := &rep.Devices[i]
			l := reportLine(ctx, d)
			var services []string
			for _, s := range d.Services {
				services = append(services, s.Name)
			}
			if !yield([]any{strings.Join(l.Addresses, ", "), strings.Join(d.MACs, ", "), l.Name, l.Kind, yes(ctx, l.Medical), l.Maker, l.Model, d.Serial, l.OS, l.Sure,
				strings.Join(services, ", "), strings.Join(l.Because, " / "), d.LastSeen.Local().Format(time.DateTime)}, nil) {
				return
			}
		}
	}
	for i := range rep.Devices {
		d := &rep.Devices[i]
		names[d.ID] = strings.TrimSpace(strings.Join(d.IPv4, ", ") + " " + d.Name)
	}
	findings := func(yield func([]any, error) bool) {
		for _, f := range rep.Findings {
			if f.Check == unknownDevice {
				continue
			}
			if !yield([]any{finding.Severity(f.Severity).Label().For(ctx), names[f.Device], f.Title, f.Why, f.Fix}, nil) {
				return
			}
		}
	}
	facts := func(yield func([]any, error) bool) {
		for _, r := range [][]any{{t("確認した範囲", "Ranges"), strings.Join(rep.Ranges, ", ")}, {t("始まり", "Started"), rep.Started.Local().Format(time.DateTime)},
			{t("終わり", "Finished"), rep.Finished.Local().Format(time.DateTime)}, {t("速さ", "Pace"), rep.Pace}, {t("送った数", "Frames sent"), rep.FramesSent},
			{t("できなかったこと", "What could not be done"), strings.Join(rep.Notes, " / ")}} {
			if !yield(r, nil) {
				return
			}
		}
	}
	return paper.WriteXLSX(w,
		paper.Part{Table: table(t("機器", "Devices"), t("IPアドレス", "IP address"), t("MACアドレス", "MAC address"), t("名前", "Name"), t("種類", "Kind"), t("医療機器", "Medical"),
			t("メーカー", "Maker"), t("型番", "Model"), t("製造番号", "Serial"), "OS", t("確からしさ", "Sure"), t("サービス", "Services"), t("理由", "Because"), t("最終確認", "Last seen")), Rows: devices},
		paper.Part{Table: table(t("直すところ", "Findings"), t("重さ", "Severity"), t("機器", "Device"), t("内容", "What"), t("なぜ", "Why"), t("すること", "What to do")), Rows: findings},
		paper.Part{Table: table(t("健診について", "About"), t("項目", "Item"), t("内容", "Value")), Rows: facts})
}

func yes(ctx context.Context, b bool) string {
	if b {
		return i18n.T(ctx, "はい", "yes")
	}
	return ""
}
