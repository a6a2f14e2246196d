package main

import (
	"errors"
	"fmt"

	"kenshin/drill/scenario"
	"kenshin/fault"
	"kenshin/i18n"
)

type drillCmd struct {
	Scenario drillScenarioCmd `cmd:"" help:"訓練メールの文例 / stories of which drills are made"`
}

type drillScenarioCmd struct {
	Check scenarioCheckCmd `cmd:"" help:"文例のファイル(YAML)に直すところがないか / whether a file of own scenarios may be taken in"`
}

type scenarioCheckCmd struct {
	File   string   `arg:"" type:"path"`
	Domain []string `help:"本文に書いてよい訓練用のドメイン / the drill's own domains, which a mail may name"`
}

func (c scenarioCheckCmd) Run(e *env) error {
	f, _, err := openInput(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	rules, err := scenario.LoadRules()
	if err != nil {
		return err
	}
	list, err := scenario.Inspect(f, rules, c.Domain...)
	if bad, ok := errors.AsType[scenario.Faults](err); ok {
		for _, one := range bad {
			fmt.Fprintln(e.out, one.In(e.lang))
		}
		return fault.Wrap(fault.KindOf(err), err, fmt.Sprintf("直すところが %d か所あります。上の行を直して、もう一度実行してください。", len(bad)),
			fmt.Sprintf("%d places to correct. Correct the lines above and run it again.", len(bad)))
	}
	if err != nil {
		return err
	}
	for _, s := range list {
		for _, m := range s.Mails {
			fmt.Fprintln(e.out, i18n.T(e.ctx, "%s「%s」%s: %s、手がかり %d", "%s “%s” %s: %s, %d cues", s.ID, s.Title.In(e.lang), m.Level.Name().In(e.lang), m.Difficulty.Name().In(e.lang), len(m.Cues)))
		}
	}
	_, err = fmt.Fprintln(e.out, i18n.T(e.ctx, "文例 %d話、取り込めます。", "%d scenarios, all right.", len(list)))
	return err
}
