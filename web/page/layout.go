package page

import (
	"kenshin/actor"
	"kenshin/i18n"
)

// entry is one line of the navigation; needs is what a role must hold to see it.
type entry struct {
	section Section
	path    string
	text    i18n.Text
	needs   actor.Permission
}

type group struct {
	title   i18n.Text
	entries []entry
}

// menu is the navigation that this person may use.
func menu(s Shell) []group {
	all := []group{
		{i18n.Text{}, []entry{{SectionHome, PathHome, i18n.Text{Ja: "ホーム", En: "Home"}, actor.See}}},
		{i18n.Text{Ja: "何があるか", En: "What is there"}, []entry{
			{SectionLedger, PathLedger, i18n.Text{Ja: "台帳", En: "Ledger"}, actor.SeeLedger},
			{SectionSystems, PathSystems, i18n.Text{Ja: "システム", En: "Systems"}, actor.SeeLedger},
			{SectionVendors, PathVendors, i18n.Text{Ja: "業者", En: "Vendors"}, actor.SeeLedger},
		}},
		{i18n.Text{Ja: "調べて直す", En: "Check and fix"}, []entry{
			{SectionFindings, PathFindings, i18n.Text{Ja: "弱点と対応", En: "Weak points"}, actor.See},
			{SectionSweeps, PathSweeps, i18n.Text{Ja: "健診", En: "Check-ups"}, actor.SeeSegments},
			{SectionSegments, PathSegments, i18n.Text{Ja: "区画", En: "Segments"}, actor.SeeSegments},
		}},
		{i18n.Text{Ja: "年次健診", En: "Yearly check-up"}, []entry{
			{SectionAssess, PathAssess, i18n.Text{Ja: "年次健診の点検", En: "Yearly check"}, actor.SeeAssess},
			{SectionLevel, PathLevel, i18n.Text{Ja: "レベルと構成", En: "Level and network"}, actor.SeeAssess},
			{SectionRegisters, PathRegisters, i18n.Text{Ja: "記録簿", En: "Registers"}, actor.SeeAssess},
			{SectionInquiries, PathInquiries, i18n.Text{Ja: "業者への依頼", En: "Asking vendors"}, actor.SeeInquiry},
			{SectionSurveys, PathSurveys, i18n.Text{Ja: "部門への調査", En: "Surveys"}, actor.SeeInquiry},
			{SectionRisks, PathRisks, i18n.Text{Ja: "リスクアセスメント", En: "Risks"}, actor.SeeAssess},
			{SectionAudits, PathAudits, i18n.Text{Ja: "監査", En: "Audits"}, actor.SeeAssess},
			{SectionBudget, PathBudget, i18n.Text{Ja: "予算(三年)", En: "Budget"}, actor.SeeAssess},
			{SectionDock, PathDock, i18n.Text{Ja: "年次健診の結果", En: "Results"}, actor.SeeAssess},
			{SectionPack, PathPack, i18n.Text{Ja: "点検資料", En: "Inspection pack"}, actor.Export},
			{SectionCatalogues, PathCatalogues, i18n.Text{Ja: "点検表の版", En: "Catalogues"}, actor.SeeAssess},
		}},
		{i18n.Text{Ja: "訓練", En: "Drills"}, []entry{
			{SectionDrills, PathDrills, i18n.Text{Ja: "メール訓練", En: "Mail drills"}, actor.SeeDrill},
			{SectionStaff, PathDrillPeople, i18n.Text{Ja: "訓練の宛先", En: "Recipients"}, actor.EditDrill},
			{SectionMailing, PathDrillSettings, i18n.Text{Ja: "訓練の設定", En: "Drill settings"}, actor.ManageDrill},
		}},
		{i18n.Text{Ja: "管理", En: "Administration"}, []entry{
			{SectionJobs, PathJobs, i18n.Text{Ja: "仕事の進み", En: "Work"}, actor.SeeJobs},
			{SectionTrail, PathTrail, i18n.Text{Ja: "記録", En: "Trail"}, actor.SeeTrail},
			{SectionPeople, PathPeople, i18n.Text{Ja: "利用者", En: "People"}, actor.ManagePeople},
			{SectionSettings, PathSettings, i18n.Text{Ja: "設定", En: "Settings"}, actor.ManageSetting},
			{SectionHelp, PathHelp, i18n.Text{Ja: "ヘルプ", En: "Help"}, actor.See},
		}},
	}
	var out []group
	for _, g := range all {
		var mine []entry
		for _, e := range g.entries {
			if s.May(e.needs) {
				mine = append(mine, e)
			}
		}
		if len(mine) > 0 {
			out = append(out, group{g.title, mine})
		}
	}
	return out
}
