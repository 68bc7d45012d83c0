-- Whoever keeps a copy of the diary in memory asks what has changed since it last looked. Writers take turns here, so a
-- number that grows with every change is enough. Triggers see to it, so that a change made by hand is seen as well.
ALTER TABLE slot ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX slot_changed ON slot (changed);

-- Raised by whatever changes anything but which slots are taken: directory, services, schedules, slots that go or move.
CREATE TABLE catalogue (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO catalogue VALUES (1, 1);

CREATE TRIGGER slot_new AFTER INSERT ON slot WHEN NEW.changed = 0 BEGIN
    UPDATE slot SET changed = (SELECT max(changed) + 1 FROM slot) WHERE id = NEW.id;
END;
CREATE TRIGGER slot_changed AFTER UPDATE OF end_ms, capacity, taken, blocked, channel, version ON slot BEGIN
    UPDATE slot SET changed = (SELECT max(changed) + 1 FROM slot) WHERE id = NEW.id;
END;
CREATE TRIGGER slot_moved AFTER UPDATE OF id, schedule_id, start_ms ON slot BEGIN
    UPDATE catalogue SET version = version + 1;
END;
CREATE TRIGGER slot_gone AFTER DELETE ON slot BEGIN UPDATE catalogue SET version = version + 1; END;
CREATE TRIGGER directory_new AFTER INSERT ON directory BEGIN UPDATE catalogue SET version = version + 1; END;
CREATE TRIGGER directory_changed AFTER UPDATE ON directory BEGIN UPDATE catalogue SET version = version + 1; END;
CREATE TRIGGER directory_gone AFTER DELETE ON directory BEGIN UPDATE catalogue SET version = version + 1; END;
CREATE TRIGGER service_new AFTER INSERT ON service BEGIN UPDATE catalogue SET version = version + 1; END;
CREATE TRIGGER service_changed AFTER UPDATE ON service BEGIN UPDATE catalogue SET version = version + 1; END;
CREATE TRIGGER service_gone AFTER DELETE ON service BEGIN UPDATE catalogue SET version = version + 1; END;
CREATE TRIGGER schedule_new AFTER INSERT ON schedule BEGIN UPDATE catalogue SET version = version + 1; END;
CREATE TRIGGER schedule_changed AFTER UPDATE ON schedule BEGIN UPDATE catalogue SET version = version + 1; END;
CREATE TRIGGER schedule_gone AFTER DELETE ON schedule BEGIN UPDATE catalogue SET version = version + 1; END;
CREATE TRIGGER schedule_service_new AFTER INSERT ON schedule_service BEGIN UPDATE catalogue SET version = version + 1; END;
CREATE TRIGGER schedule_service_changed AFTER UPDATE ON schedule_service BEGIN UPDATE catalogue SET version = version + 1; END;
CREATE TRIGGER schedule_service_gone AFTER DELETE ON schedule_service BEGIN UPDATE catalogue SET version = version + 1; END;
