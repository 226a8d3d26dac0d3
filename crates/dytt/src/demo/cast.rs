//! Who is in the demo and what they say.

/// Everybody's password: these accounts are for looking around.
pub(super) const PASSWORD: &str = "demo1234";

pub(super) const PEOPLE: [&str; 12] =
    ["小明", "Alice", "李雷", "Bob", "韩梅梅", "Carol", "阿强", "Dmitri", "晓雯", "Emma", "大熊", "Yuki"];

/// A clip's title, and what is drawn into its picture.
pub(super) const CLIPS: [(&str, &str); 24] = [
    ("早安，城市 ☀️", "Good morning, city"),
    ("Learning to skate, day 1", "Skating: day 1"),
    ("三分钟学会番茄炒蛋 🍅", "Tomato and eggs in 3 minutes"),
    ("My cat has opinions", "My cat has opinions"),
    ("周末去爬山", "Weekend hike"),
    ("Street piano in the rain", "Street piano in the rain"),
    ("教室窗外的晚霞", "Sunset from the classroom"),
    ("Tiny desk, big plans", "Tiny desk, big plans"),
    ("奶奶的手工水饺 🥟", "Grandma's dumplings"),
    ("How a bicycle stays upright", "How a bicycle stays upright"),
    ("篮球社招新啦 🏀", "Join the basketball club"),
    ("Night bus home", "Night bus home"),
    ("第一次弹《小星星》", "Twinkle, my first try"),
    ("Coffee, slowly", "Coffee, slowly"),
    ("宿舍改造前后对比", "Dorm room: before and after"),
    ("The quiet part of the beach", "The quiet part of the beach"),
    ("一分钟物理：彩虹 🌈", "One minute physics: rainbows"),
    ("Dog meets snow", "Dog meets snow"),
    ("图书馆打卡第 30 天", "Library, day 30"),
    ("Painting with two colours", "Painting with two colours"),
    ("校运会 4×100 接力", "4 x 100 relay"),
    ("Folding a paper crane", "Folding a paper crane"),
    ("雨后的操场", "After the rain"),
    ("What we grew this spring", "What we grew this spring"),
];

pub(super) const COMMENTS: [&str; 16] = [
    "太好看了！",
    "Love this",
    "哈哈哈哈",
    "How did you do that?",
    "求教程 🙏",
    "Made my day",
    "这也太治愈了",
    "More please",
    "学到了",
    "The colours!",
    "第一",
    "Where is this?",
    "支持一下 👍",
    "So calm",
    "明天我也去试试",
    "Beautiful",
];

pub(super) const LINES: [&str; 14] = [
    "在吗？",
    "Hey, saw your new clip!",
    "周末一起拍视频吗？",
    "Sure, when?",
    "下午三点，老地方",
    "See you there",
    "收到 👌",
    "Can you send me the song?",
    "等我回家发你",
    "Thanks!",
    "哈哈，笑死我了",
    "That was fun",
    "晚安 🌙",
    "Good night",
];
