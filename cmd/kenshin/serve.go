package main

import (
	"fmt"
	"net/netip"

	"kenshin/app"
)

type serveCmd struct {
	place
	Listen  string `help:"待ち受けるアドレス / address to listen on" default:"127.0.0.1:8470" env:"KENSHIN_LISTEN"`
	URL     string `help:"ブラウザから見た住所 / how browsers reach it, like https://kenshin.hospital.example:8443" env:"KENSHIN_URL"`
	TLSCert string `help:"証明書(PEM) / certificate" type:"path" env:"KENSHIN_TLS_CERT"`
	TLSKey  string `help:"証明書の鍵(PEM) / its key" type:"path" env:"KENSHIN_TLS_KEY"`

	DrillListen string   `help:"訓練メールのリンク先を待ち受けるアドレス / address of the pages behind a drill's mails, like 0.0.0.0:8471" env:"KENSHIN_DRILL_LISTEN"`
	DrillCert   string   `help:"訓練ページの証明書(PEM) / certificate of these pages" type:"path" env:"KENSHIN_DRILL_CERT"`
	DrillKey    string   `help:"訓練ページの証明書の鍵(PEM) / its key" type:"path" env:"KENSHIN_DRILL_KEY"`
	DrillProxy  []string `help:"訓練ページの手前にある中継サーバ / proxies whose X-Forwarded-For counts, like 10.0.0.5/32" env:"KENSHIN_DRILL_PROXY"`

	FormListen string   `help:"業者と部門の回答フォームを待ち受けるアドレス / address of the pages where vendors and departments answer, like 0.0.0.0:8472" env:"KENSHIN_FORM_LISTEN"`
	FormCert   string   `help:"回答フォームの証明書(PEM) / certificate of these pages" type:"path" env:"KENSHIN_FORM_CERT"`
	FormKey    string   `help:"回答フォームの証明書の鍵(PEM) / its key" type:"path" env:"KENSHIN_FORM_KEY"`
	FormProxy  []string `help:"回答フォームの手前にある中継サーバ / proxies whose X-Forwarded-For counts there, like 10.0.0.5/32" env:"KENSHIN_FORM_PROXY"`

	DNS string `name:"dns" help:"訓練の確認に使うネームサーバ(書かなければこの機械の設定) / name server for the proofs and checks of drills, like 10.0.0.53:53; default is the machine's" env:"KENSHIN_DNS"`

	ReportListen string `help:"職員の報告メールを受けるアドレス(SMTP) / address on which reports are taken over SMTP, like 0.0.0.0:2525" env:"KENSHIN_REPORT_LISTEN"`

	NewAuthority bool `help:"Kenshinの認証局を作り直す(PCに入れ直しが必要) / make Kenshin's own CA anew; its root must be brought to the PCs again"`
}

func (s serveCmd) Run(e *env) error {
	c, err := s.config(e)
	if err != nil {
		return err
	}
	c.Listen, c.URL, c.TLSCert, c.TLSKey = s.Listen, s.URL, s.TLSCert, s.TLSKey
	c.NewAuthority = s.NewAuthority
	c.DrillListen, c.DrillCert, c.DrillKey = s.DrillListen, s.DrillCert, s.DrillKey
	c.FormListen, c.FormCert, c.FormKey = s.FormListen, s.FormCert, s.FormKey
	c.ReportListen = s.ReportListen
	if s.DNS != "" {
		if c.NameServer, err = netip.ParseAddrPort(s.DNS); err != nil {
			return usage("--dns は 10.0.0.53:53 のように「アドレス:ポート」で書いてください: "+s.DNS, "Write --dns as ADDRESS:PORT, like 10.0.0.53:53: "+s.DNS)
		}
	}
	for _, text := range s.DrillProxy {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return usage("--drill-proxy は 10.0.0.5/32 のように書いてください: "+text, "Write --drill-proxy like 10.0.0.5/32: "+text)
		}
		c.DrillProxies = append(c.DrillProxies, p)
	}
	for _, text := range s.FormProxy {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return usage("--form-proxy は 10.0.0.5/32 のように書いてください: "+text, "Write --form-proxy like 10.0.0.5/32: "+text)
		}
		c.FormProxies = append(c.FormProxies, p)
	}
	e.serves = true
	h, err := app.Open(e.ctx, c)
	if err != nil && e.ctx.Err() != nil {
		return nil // told to end before it had begun: that is no failure
	}
	if err != nil {
		return err
	}
	defer h.Close()
	return flagsWrong(h.Serve(e.ctx, func(address, code string) {
		fmt.Fprintln(e.out, app.Welcome(e.lang, address, code))
		fmt.Fprint(e.out, h.Notice(e.lang, address))
	}))
}
