package page

import (
	"time"

	"github.com/a-h/templ"

	"kenshin/drill/scale"
	"kenshin/drill/scenario"
	"kenshin/i18n"
)

// DrillScenariosView is the list of stories. POST PathDrillScenarios: file; ?do=check keeps nothing.
type DrillScenariosView struct {
	Rows    []ScenarioRow
	Own     int
	File    string           // that was sent
	Faults  []scenario.Fault // in it
	Checked []string         // titles, where it was only checked
	Error   string
}

// ScenarioRow is a story, built in or the facility's own.
type ScenarioRow struct {
	scenario.Scenario
	Own    bool
	Unread bool
	By     string
	At     time.Time
}

// DrillScenarioView is one story with its three mails as they would arrive.
type DrillScenarioView struct {
	ScenarioRow
	Mails []ScenarioMail
}

// ScenarioMail is one of the three mails.
type ScenarioMail struct {
	scenario.Mail
	Shown MailView
}

// ScenarioPath is one story; what is "" (GET), file (GET) or remove (POST).
func ScenarioPath(id, what string) string { return at(PathDrillScenarios, id, what) }

// DrillScenariosPage lists the stories and takes a file of own ones.
func DrillScenariosPage(s Shell, v DrillScenariosView) templ.Component {
	return within(s, SectionDrills, i18n.Text{Ja: "訓練の文例", En: "Drill scenarios"}, drillScenarios(v))
}

// DrillScenarioPage shows one story.
func DrillScenarioPage(s Shell, v DrillScenarioView) templ.Component {
	return within(s, SectionDrills, v.Title, drillScenario(v))
}

// cueName is how screens call a cue.
func cueName(id scale.ID) i18n.Text {
	c, ok := scale.Find(id)
	if !ok {
		return i18n.Text{Ja: string(id), En: string(id)}
	}
	return c.Name
}
