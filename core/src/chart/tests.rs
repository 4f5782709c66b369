use super::*;

fn frame<'a>(x: &'a str, y: &'a str) -> Frame<'a> {
    let axis = |label| Axis { label, ..Axis::default() };
    Frame { title: "a <title>", x: axis(x), y: axis(y), width: 520.0, height: 280.0 }
}

fn line(name: &str, index: usize, points: &[(f64, f64)]) -> Line {
    let points = points.iter().map(|(x, y)| (*x, Estimate::from(*y))).collect();
    Line { style: Style::new(name, index), points }
}

#[test]
fn a_line_has_its_points_its_key_and_words_for_those_who_cannot_see_it() {
    let svg = lines(&frame("step", "loss"), &[line("a & b", 1, &[(0.0, 1.0), (10.0, 2.0)])]).svg;
    assert!(svg.starts_with("<svg") && svg.contains("role=\"img\""), "{svg}");
    assert!(svg.contains("<title>a &lt;title&gt;</title><desc>a &amp; b: 2 at step 10</desc>"), "{svg}");
    assert!(svg.contains(">step</text>") && svg.contains(">loss</text>"), "{svg}");
    assert_eq!(svg.matches("class=\"key\"").count(), 1);
    assert!(svg.contains("var(--s1, #c2650a)"), "{svg}");
    assert!(svg.contains("<title>a &amp; b, step 10: 2</title>"), "{svg}");
}

#[test]
fn a_legend_names_nothing_twice_and_wraps() {
    let same = [line("promot", 0, &[(0.0, 1.0)]), line("promot", 0, &[(0.0, 2.0)])];
    assert_eq!(lines(&frame("step", ""), &same).svg.matches("class=\"key\"").count(), 1);
    let many: Vec<Line> =
        (0..9).map(|index| line(&format!("a method of some length {index}"), index, &[(0.0, 1.0)])).collect();
    let svg = lines(&frame("step", ""), &many).svg;
    assert_eq!(svg.matches("class=\"key\"").count(), 9);
    assert!(svg.contains("<text x=\"23\" y=\"27\""), "{svg}");
}

/// A report with six methods at three rates had eight rows of legend, and a third of its height left for the points.
#[test]
fn rates_of_a_method_share_its_key_and_a_long_legend_makes_the_chart_higher() {
    let path = |method: usize, rate: &str| Path {
        style: Style::new(format!("a method of some length {method}"), method),
        detail: rate.to_owned(),
        points: vec![(1.0, 2.0)],
        ring: None,
    };
    let paths = |count: usize| -> Vec<Path> {
        (0..count).flat_map(|method| [path(method, "0.001"), path(method, "0.0003")]).collect()
    };
    let drawing = scatter(&frame("gained", "kept"), &paths(2));
    assert_eq!((drawing.svg.matches("class=\"key\"").count(), drawing.height), (2, 280.0));
    assert!(drawing.svg.contains("<title>a method of some length 1, 0.0003: gained 1, kept 2</title>"));
    // Two keys a row: seven rows, five more than there is room for.
    let higher = scatter(&frame("gained", "kept"), &paths(14)).height - 280.0;
    assert!((80.0..100.0).contains(&higher), "{higher}");
}

#[test]
fn intervals_are_a_band_and_whiskers() {
    let points = vec![(0.0, Estimate { mean: 1.0, interval: Some(0.5) }), (1.0, Estimate::from(2.0))];
    let with = Line { style: Style::new("x", 0), points };
    let svg = lines(&frame("step", "y"), &[with]).svg;
    assert!(svg.contains("class=\"band\"") && svg.contains("step 0: 1 \u{b1}0.5"), "{svg}");
    let without = lines(&frame("step", "y"), &[line("x", 0, &[(0.0, 1.0)])]).svg;
    assert!(!without.contains("class=\"band\""));
    let values = vec![Some(Estimate { mean: 5.0, interval: Some(1.0) })];
    let svg = bars(&frame("", "y"), &["t".into()], &[Bars { style: Style::new("x", 0), values }]).svg;
    assert!(svg.contains("x: 5 \u{b1}1"), "{svg}");
}

#[test]
fn long_lines_are_thinned_to_means_and_holes_left_out() {
    let points: Vec<(f64, Estimate)> =
        (0..1000).map(|x| (f64::from(x), Estimate::from(f64::from(x % 2)))).collect();
    let thin = thinned(&points);
    assert_eq!((thin.len(), thin[0]), (200, (2.0, Estimate::from(0.4))));
    let svg = lines(&frame("step", "y"), &[line("x", 0, &[(0.0, f64::NAN), (1.0, 2.0)])]).svg;
    assert!(!svg.contains("NaN"), "{svg}");
}

#[test]
fn every_bar_is_drawn_and_long_names_are_wrapped() {
    let names: Vec<String> =
        ["a<b", "xsum-mini-of-a-very-long-name-indeed-longer-than-its-group"].map(String::from).into();
    let value = |mean: f64| Some(Estimate::from(mean));
    let series = [
        Bars { style: Style::new("x", 0), values: vec![value(50.0), None] },
        Bars { style: Style::new("y", 2), values: vec![value(0.0), value(3.0)] },
    ];
    let svg = bars(&Frame { width: 300.0, ..frame("", "score") }, &names, &series).svg;
    assert_eq!(svg.matches("<rect").count(), 3, "{svg}");
    assert!(svg.contains(">a&lt;b</text>") && svg.contains(">xsum-mini-of-a-</text>"), "{svg}");
}

#[test]
fn a_path_has_an_arrow_between_points_that_lie_apart() {
    let path = |points: &[(f64, f64)]| Path {
        style: Style::new("x", 0),
        detail: String::new(),
        points: points.to_vec(),
        ring: None,
    };
    let svg = scatter(&frame("gained", "kept"), &[path(&[(0.0, 50.0), (90.0, 20.0)])]).svg;
    // Two points and the key's.
    assert_eq!(svg.matches("<circle").count(), 3, "{svg}");
    assert_eq!(svg.matches("Z\"").count(), 1, "{svg}");
    assert!(svg.contains("<desc>x: gained 90, kept 20</desc>"), "{svg}");
}

#[test]
fn charts_without_data_do_not_fail() {
    for drawing in
        [lines(&frame("x", "y"), &[]), bars(&frame("", ""), &[], &[]), scatter(&frame("x", "y"), &[])]
    {
        assert!(drawing.svg.ends_with("</svg>") && !drawing.svg.contains("NaN"), "{}", drawing.svg);
    }
}

#[test]
fn steps_on_a_logarithmic_axis_begin_at_0() {
    let ruler = Ruler::new(Scale::Log, (0.0, 999.0), (0.0, 300.0));
    assert_eq!(
        ruler.ticks(6).into_iter().map(|tick| tick.value).collect::<Vec<_>>(),
        [0.0, 1.0, 10.0, 100.0]
    );
    assert!((ruler.at(99.0) - 200.0).abs() < 1e-9 && ruler.at(0.0) == 0.0);
    assert!((ruler.value_at(200.0).unwrap() - 99.0).abs() < 1e-6);
    assert_eq!(ruler.value_at(301.0), None);
}

#[test]
fn ticks_are_round_and_labels_have_the_decimals_that_they_need() {
    let ticks = |low, high, most| {
        let ruler = Ruler::new(Scale::Linear, (low, high), (0.0, 1.0));
        ruler.ticks(most).into_iter().map(|tick| tick.label).collect::<Vec<_>>()
    };
    assert_eq!(ticks(0.0, 100.0, 6), ["0", "20", "40", "60", "80", "100"]);
    assert_eq!(ticks(0.0, 2.1, 6), ["0.0", "0.5", "1.0", "1.5", "2.0"]);
    assert_eq!(ticks(-1.0, 1.0, 6), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]);
    // However many there are: a label that is rounded names another place than its own.
    assert_eq!(ticks(0.0, 4.2, 9), ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0", "3.5", "4.0"]);
    for (high, most) in [(0.013, 3), (0.6, 4), (1.0, 8), (2.4, 5), (10.5, 9), (83.0, 6), (1470.0, 7)] {
        let ruler = Ruler::new(Scale::Linear, (0.0, high), (0.0, 300.0));
        for tick in ruler.ticks(most) {
            assert!(
                (tick.label.parse::<f64>().unwrap() - tick.value).abs() < 1e-9 * high,
                "{tick:?} of {high}"
            );
        }
    }
}

#[test]
fn steps_are_whole() {
    let ticks = |high| {
        let ruler = Ruler::new(Scale::Linear, (0.0, high), (0.0, 300.0)).whole(true);
        ruler.ticks(9).into_iter().map(|tick| tick.label).collect::<Vec<_>>()
    };
    assert_eq!(ticks(2.1), ["0", "1", "2"]);
    assert_eq!(ticks(10.5), ["0", "2", "4", "6", "8", "10"]);
    let y = Axis::linear("", Some((0.0, 100.0)));
    let points = [line("x", 0, &[(0.0, 1.0), (4.0, 2.0)])];
    let svg = lines(&Frame { x: Axis::STEPS, y, ..frame("", "") }, &points).svg;
    assert!(svg.contains(">3</text>") && !svg.contains(">0.5</text>"), "{svg}");
}

#[test]
fn a_chart_has_its_numbers() {
    let text = |text: &str| Value::Text(text.to_owned());
    let points = vec![(0.0, Estimate { mean: 1.0, interval: Some(0.5) }), (1.0, Estimate::from(f64::NAN))];
    let with = Line { style: Style::new("x", 0), points };
    let numbers = lines(&frame("step", ""), &[with]).numbers;
    assert_eq!(numbers.columns, ["series", "step", "a <title>", "95 % interval, \u{b1}"]);
    let row = vec![text("x"), Value::Number(0.0), Value::Number(1.0), Value::Number(0.5)];
    assert_eq!(numbers.rows, [row], "what is no number is in no chart");
    let values = vec![Some(Estimate::from(5.0)), None];
    let names = ["a-mini".to_owned(), "b".to_owned()];
    let numbers = bars(&frame("", "score"), &names, &[Bars { style: Style::new("x", 0), values }]).numbers;
    assert_eq!((numbers.columns[1].as_str(), numbers.rows.len()), ("group", 1));
    assert_eq!(numbers.rows[0], [text("x"), text("a-mini"), Value::Number(5.0)]);
    let path = Path {
        style: Style::new("x", 0),
        detail: "0.1".to_owned(),
        points: vec![(1.0, 2.0)],
        ring: Some((3.0, 4.0)),
    };
    let numbers = scatter(&frame("gained", "kept"), &[path]).numbers;
    let series: Vec<String> = numbers.rows.iter().map(|row| row[0].to_string()).collect();
    assert_eq!(series, ["x, 0.1", "x, 0.1, chosen"]);
}

#[test]
fn a_file_has_a_size_and_white_paper() {
    let drawing = lines(&frame("step", "loss"), &[line("a", 1, &[(0.0, 1.0), (10.0, 2.0)])]);
    let file = drawing.file();
    assert!(file.starts_with("<svg width=\"520\" height=\"280\" xmlns="), "{file}");
    assert!(file.contains("</desc><rect width=\"520\" height=\"280\" fill=\"#fff\"/>"), "{file}");
    assert_eq!(file.matches("<desc>").count(), 1);
}
