package page

import (
	"github.com/a-h/templ"

	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/dock"
	"kenshin/i18n"
)

// StartView is the ten-minute check-up: the gates of one level, or, when At is -1, where one stands.
type StartView struct {
	At        int
	Title     i18n.Text
	Gates     []assess.Item
	Level     assess.Standing
	Actions   []assess.Action
	Checklist catalogue.Catalogue
	Errors    Errors
	Kind      dock.Kind // what is kept at the end
}

// StartPage is the ten-minute check-up. POST PathAssessStart: yes, no or unknown by the gates' ids.
func StartPage(s Shell, v StartView) templ.Component {
	return within(s, SectionAssess, i18n.Text{Ja: "10分の年次健診", En: "Ten-minute check-up"}, assessQuick(v))
}

func (v StartView) step() int {
	if v.At < 0 {
		return 1
	}
	return 0
}
