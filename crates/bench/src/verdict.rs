//! Grades: what a figure is worth by the table of the benchmark set.

use serde::Serialize;

/// How good a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// Not even the floor.
    #[value(skip)]
    Below,
    /// What must be reached.
    Floor,
    /// What is aimed at.
    Good,
    /// What may be hoped for.
    Stretch,
}

impl Grade {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Below => "BELOW FLOOR",
            Self::Floor => "floor",
            Self::Good => "good",
            Self::Stretch => "stretch",
        }
    }
}

/// Which way a figure gets better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    Higher,
    Lower,
}

/// What a figure must be for each grade.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Thresholds {
    pub(crate) better: Better,
    pub(crate) floor: f64,
    pub(crate) good: f64,
    pub(crate) stretch: f64,
}

impl Thresholds {
    /// Marks of a figure that should be high.
    pub(crate) const fn at_least(floor: f64, good: f64, stretch: f64) -> Self {
        Self { better: Better::Higher, floor, good, stretch }
    }

    /// Marks of a figure that should be low.
    pub(crate) const fn at_most(floor: f64, good: f64, stretch: f64) -> Self {
        Self { better: Better::Lower, floor, good, stretch }
    }

    /// The grade of a figure; what is no number is below every floor.
    pub(crate) fn grade(&self, figure: f64) -> Grade {
        let reaches = |mark: f64| match self.better {
            Better::Higher => figure >= mark,
            Better::Lower => figure <= mark,
        };
        if reaches(self.stretch) {
            Grade::Stretch
        } else if reaches(self.good) {
            Grade::Good
        } else if reaches(self.floor) {
            Grade::Floor
        } else {
            Grade::Below
        }
    }

    /// Where a figure lies on a scale on which the floor is 1, good 2 and stretch 3, for a picture. From 0 to 4.
    pub(crate) fn position(&self, figure: f64) -> f64 {
        let (figure, marks) = match self.better {
            Better::Higher => (figure, [self.floor, self.good, self.stretch]),
            Better::Lower => (-figure, [-self.floor, -self.good, -self.stretch]),
        };
        let [floor, good, stretch] = marks;
        let between = |low: f64, high: f64| if high > low { (figure - low) / (high - low) } else { 0.0 };
        let position = if !figure.is_finite() {
            0.0
        } else if figure >= stretch {
            // Beyond the last mark the scale goes on as between the last two.
            3.0 + between(stretch, stretch + (stretch - good).max(stretch.abs() * 0.25))
        } else if figure >= good {
            2.0 + between(good, stretch)
        } else if figure >= floor {
            1.0 + between(floor, good)
        } else {
            1.0 + between(floor, floor + (good - floor).max(floor.abs() * 0.25))
        };
        position.clamp(0.0, 4.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_reached_exactly_and_never_by_no_number() {
        let high = Thresholds::at_least(0.6, 1.0, 1.5);
        let grades = [0.59, 0.6, 0.99, 1.0, 1.5, 9.0, f64::NAN].map(|figure| high.grade(figure));
        use Grade::{Below, Floor, Good, Stretch};
        assert_eq!(grades, [Below, Floor, Floor, Good, Stretch, Stretch, Below]);
        let low = Thresholds::at_most(250.0, 100.0, 100.0);
        assert_eq!([251.0, 250.0, 100.0, f64::NAN].map(|figure| low.grade(figure)), [Below, Floor, Stretch, Below]);
        assert!(Below < Floor && Floor < Good && Good < Stretch);
    }

    #[test]
    fn the_scale_of_the_picture_grows_with_the_grade() {
        for (marks, figures) in [
            (Thresholds::at_least(0.6, 1.0, 1.5), [0.1, 0.6, 0.8, 1.0, 1.5, 1.7]),
            (Thresholds::at_most(2.0, 1.0, 0.5), [2.6, 2.0, 1.5, 1.0, 0.5, 0.4]),
        ] {
            let positions = figures.map(|figure| marks.position(figure));
            assert!(positions.windows(2).all(|pair| pair[0] < pair[1]), "{positions:?}");
            assert!((positions[1] - 1.0).abs() < 1e-9 && (positions[3] - 2.0).abs() < 1e-9 && (positions[4] - 3.0).abs() < 1e-9);
        }
        assert!(Thresholds::at_least(1.0, 2.0, 3.0).position(f64::NAN).abs() < 1e-9);
    }
}
