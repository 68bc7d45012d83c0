-- How many appointments an organisation has on a day: asked for every booking under a ceiling.
CREATE INDEX appointment_booked_by ON appointment (booked_by, start_ms) WHERE live;
