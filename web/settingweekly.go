package web

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/setting"
	"kenshin/store"
	"kenshin/trail"
	"kenshin/web/page"
)

// weeklySave stores when the weekly mail goes out.
func (v *visit) weeklySave() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	day, err1 := strconv.Atoi(f.Get("weekday"))
	hour, err2 := strconv.Atoi(f.Get("hour"))
	if err1 != nil || err2 != nil {
		return fault.New(fault.Invalid, "曜日と時刻を選んでください。", "Choose a weekday and an hour.")
	}
	w := setting.Week{On: f.Get("weekly") == "true", Day: time.Weekday(day), Hour: hour}
	err = v.do(func(ctx context.Context) (trail.Entry, error) {
		err := v.s.DB.Write(ctx, v.facility, func(tx *store.Tx) error {
			_, err := setting.Weekly().Set(ctx, tx, w)
			return err
		})
		return trail.Entry{Action: "setting.weekly", Detail: w, Summary: i18n.Text{Ja: "毎週の宿題メールの設定を変えました", En: fmt.Sprintf("Changed the weekly mail (on: %t)", w.On)}}, err
	})
	return v.then(err, page.PathSettings+"#weekly", i18n.Text{Ja: "保存しました。", En: "Saved."})
}
