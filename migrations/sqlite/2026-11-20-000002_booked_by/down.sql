DROP INDEX appointment_booked_by;
