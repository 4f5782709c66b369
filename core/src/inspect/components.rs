//! The plane in which points differ most: their first two principal components.

/// Rounds of the iteration for one component; it ends earlier once its direction stays.
const ROUNDS: usize = 500;

/// The coordinates of each row in the plane, and the share of all variance along each of its axes. Rows have one length.
pub fn plane(rows: Vec<Vec<f64>>) -> (Vec<[f64; 2]>, [f64; 2]) {
    let mut rows = centred(rows);
    let all: f64 = rows.iter().map(|row| dot(row, row)).sum();
    let (mut places, mut shares) = (vec![[0.0; 2]; rows.len()], [0.0; 2]);
    for component in 0..2 {
        let Some(axis) = leading(&rows) else { break };
        let mut variance = 0.0;
        for (row, place) in rows.iter_mut().zip(&mut places) {
            let along = dot(row, &axis);
            place[component] = along;
            variance += along * along;
            row.iter_mut().zip(&axis).for_each(|(value, part)| *value -= along * part);
        }
        shares[component] = variance / all;
    }
    (places, shares)
}

fn centred(mut rows: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let (count, width) = (rows.len() as f64, rows.first().map_or(0, Vec::len));
    let mean: Vec<f64> =
        (0..width).map(|column| rows.iter().map(|row| row[column]).sum::<f64>() / count).collect();
    for row in &mut rows {
        row.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= mean);
    }
    rows
}

/// The direction along which the rows differ most, by power iteration; nothing where they do not differ. Its largest
/// number is positive, so that the picture of the same rows is the same.
fn leading(rows: &[Vec<f64>]) -> Option<Vec<f64>> {
    let longest = rows.iter().max_by(|one, other| dot(one, one).total_cmp(&dot(other, other)))?;
    // A little of everything, so that no direction is out of reach.
    let start = longest.iter().enumerate().map(|(at, value)| value * (1.0 + 0.1 * (at as f64).cos()));
    let mut axis = unit(start.collect())?;
    for _ in 0..ROUNDS {
        let mut next = vec![0.0; axis.len()];
        for row in rows {
            let along = dot(row, &axis);
            next.iter_mut().zip(row).for_each(|(sum, value)| *sum += along * value);
        }
        let next = unit(next)?;
        let stays = dot(&next, &axis) > 1.0 - 1e-14;
        axis = next;
        if stays {
            break;
        }
    }
    let largest = axis.iter().copied().max_by(|one, other| one.abs().total_cmp(&other.abs()))?;
    Some(axis.into_iter().map(|value| value * largest.signum()).collect())
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// Nothing for a vector without a length.
fn unit(vector: Vec<f64>) -> Option<Vec<f64>> {
    let length = dot(&vector, &vector).sqrt();
    (length > 1e-12).then(|| vector.into_iter().map(|value| value / length).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plane_is_the_one_that_the_points_lie_in() {
        // Along (3, 4, 0) / 5 with a variance of 4 : 1 against (0, 0, 1).
        let rows = [(2.0, 1.0), (2.0, -1.0), (-2.0, 1.0), (-2.0, -1.0)]
            .map(|(along, up)| vec![7.0 + 0.6 * along, 0.8 * along, up - 3.0]);
        let (places, shares) = plane(rows.to_vec());
        assert!((shares[0] - 0.8).abs() < 1e-9 && (shares[1] - 0.2).abs() < 1e-9, "{shares:?}");
        for (place, expected) in places.iter().zip([[2.0, 1.0], [2.0, -1.0], [-2.0, 1.0], [-2.0, -1.0]]) {
            assert!(
                (place[0] - expected[0]).abs() < 1e-6 && (place[1] - expected[1]).abs() < 1e-6,
                "{places:?}"
            );
        }
    }

    #[test]
    fn points_that_do_not_differ_have_one_place() {
        assert_eq!(plane(Vec::new()), (Vec::new(), [0.0; 2]));
        assert_eq!(plane(vec![vec![1.0, 2.0]; 3]), (vec![[0.0; 2]; 3], [0.0; 2]));
        let (places, shares) = plane(vec![vec![1.0, 0.0], vec![3.0, 0.0]]);
        assert_eq!((places, shares), (vec![[-1.0, 0.0], [1.0, 0.0]], [1.0, 0.0]));
    }
}
