package main

import (
	"encoding/json"

	"kenshin/app"
	"kenshin/fault"
	"kenshin/i18n"
)

type doctorCmd struct {
	place
	Listen string `help:"調べる待ち受けアドレス / address to look at" default:"127.0.0.1:8470" env:"KENSHIN_LISTEN"`
	Format string `help:"table, json" enum:"table,json" default:"table"`
}

// errIll ends doctor when somebody must act; what is wrong is on standard output.
var errIll = fault.New(fault.Unavailable, "直す必要のあるところがあります。", "Something needs mending.")

type symptom struct {
	Health app.Health `json:"health"`
	Name   string     `json:"name"`
	Detail string     `json:"detail"`
	Fix    string     `json:"fix,omitempty"`
}

func (d doctorCmd) Run(e *env) error {
	c := app.Config{Data: d.Data, Database: d.Database, DatabaseOwner: d.DatabaseOwner, KeyFile: d.KeyFile, Facility: d.Facility, Listen: d.Listen, Version: version, Lang: e.lang, Log: e.log}
	ill := false
	list := []symptom{}
	for _, s := range app.Doctor(e.ctx, c) {
		ill = ill || s.Health == app.Ill
		list = append(list, symptom{s.Health, s.Name.For(e.ctx), s.Detail.For(e.ctx), s.Fix.For(e.ctx)})
	}
	if err := d.print(e, list); err != nil {
		return err
	}
	if ill {
		return errIll
	}
	return nil
}

func (d doctorCmd) print(e *env, list []symptom) error {
	if d.Format == "json" {
		enc := json.NewEncoder(e.out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(map[string]any{"schema": "kenshin.doctor/1", "version": version, "symptoms": list})
	}
	mark := map[app.Health]string{app.Well: i18n.T(e.ctx, "○ 良好", "ok"), app.Note: i18n.T(e.ctx, "△ 注意", "note"), app.Ill: i18n.T(e.ctx, "× 要対応", "ACT")}
	var w columns
	for _, s := range list {
		w.add(mark[s.Health], s.Name, s.Detail)
		if s.Fix != "" {
			w.add("", "", "-> "+s.Fix)
		}
	}
	return w.print(e.out)
}
