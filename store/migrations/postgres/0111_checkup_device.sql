-- +goose Up
CREATE INDEX checkup_hosts_device ON checkup_hosts (facility_id, device_id, updated_at);

-- +goose Down
DROP INDEX checkup_hosts_device;
